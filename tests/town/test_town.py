"""Is the invented town plausible, always the same, and surely nobody's?"""

import csv
import io
import unicodedata
from datetime import date
from pathlib import Path

import pytest

from bus.town.names import ERAS, era, juminhyo_code, serial
from bus.town.town import build

LAYOUT = Path(__file__).resolve().parents[2] / "schemas" / "layouts" / "mado-122.yaml"
DAY = date(2026, 4, 5)


@pytest.fixture(scope="module")
def town():
    return build(5_000, 7, DAY)


@pytest.fixture(scope="module")
def rows(town):
    return list(csv.DictReader(io.StringIO(town.csv(LAYOUT).removeprefix("\ufeff"))))


def test_the_same_seed_gives_the_same_town_byte_for_byte(town):
    again, other = build(5_000, 7, DAY), build(5_000, 8, DAY)

    assert again.csv(LAYOUT) == town.csv(LAYOUT)
    assert other.csv(LAYOUT) != town.csv(LAYOUT)


@pytest.mark.parametrize("size", [1, 2, 27, 999])
def test_a_town_has_exactly_the_size_that_was_asked_for(size):
    assert len(build(size, 1, DAY).residents) == size


def test_the_full_set_has_the_122_columns_of_the_national_list(rows):
    assert len(rows[0]) == 122
    assert "個人番号" not in rows[0]


def test_no_number_in_it_can_ever_be_real(rows):
    weights = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    for row in rows:
        body, check = row["住民票コード"][:-1], int(row["住民票コード"][-1])
        rest = sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11
        assert check != (0 if rest < 2 else 11 - rest)
        assert row["市区町村コード"] == "999999"
        assert row["転入前住所_市区町村コード"] in ("", "999998")


def test_keys_are_unique_and_carry_their_check_digit(rows):
    keys = [row["宛名番号"] for row in rows]

    assert len(set(keys)) == len(keys)
    assert all(serial(int(key[:-1])) == key for key in keys)


def test_nobody_lives_here_before_being_born_nor_after_today(rows):
    known = [row for row in rows if row["生年月日_不詳フラグ"] == "0" and row["生年月日"] != "1935-02-29"]

    assert len(known) > len(rows) - 30
    for row in known:
        assert row["生年月日"] <= row["住民となった年月日"] <= DAY.isoformat()


def test_a_household_has_one_head_whose_name_all_members_carry_or_none_while_nobody_has_said_who(town):
    headless = 0

    for household in town.households:
        heads = [member.full for member in household if member.relation == "02"] or [""]
        headless += heads == [""]
        assert len(heads) == 1
        assert {member.cells["household.head_name"] for member in household} == set(heads)

    assert 0 < headless < 10


def test_characters_that_programs_lose_are_there_and_are_left_alone(rows):
    names = "".join(row["氏名"] for row in rows)

    assert {"髙", "𠮷", "﨑", "邊", "邉", "齋", "齊", "\U000e0100", "\ue000"} <= set(names)
    assert unicodedata.normalize("NFC", names) != names


def test_check_digits_follow_the_published_vectors():
    assert serial(1) == "19"
    assert serial(2) == "27"
    assert serial(12) == "124"
    assert serial(12345) == "123455"
    assert juminhyo_code(1) == "99900000011"  # 0 would be right


def test_an_era_begins_on_its_first_day():
    assert [era(first) for _, first in ERAS] == [code for code, _ in ERAS]
    assert era(date(2019, 4, 30)) == "4"
