"""What do the offices of the family register, of seals and of people outside answer, and say by themselves?"""

from __future__ import annotations

import pytest

from bus.dates import Uncertain
from bus.kit.desk.desk import LATER
from bus.kit.desk.staff import ELSEWHERE, WINDOWS
from bus.resident.numbers import atena_bango, hojin_bango, holds_kojin_bango
from bus.town.strangers import is_corporation, number, stranger
from tests.kit.living import life
from tests.kit.window import Window

HERE = {"state": "住民", "born": "1950-01-01", "name": "見本　花子", "kana": "ミホン　ハナコ"}
FUHYO = [HERE | {"person": str(one)} for one in range(1, 4)]
NEWCOMER = {
    "person": "1", "reason": "TENNYU", "name": "見本　一郎", "kana": "ミホン　イチロウ", "born": "1980-02-03",
    "sex": "男",
}  # fmt: skip


def test_everything_that_is_filed_is_for_a_window_that_knows_what_to_do():
    kinds = {filing.kind for filing in life(300, 7).script.filings}

    for_koseki = {kind for kind in kinds if WINDOWS.get(kind, ELSEWHERE) == ("koseki",)}

    found = Window("koseki", fuhyo=FUHYO)
    said = found.works(*((kind, "1") for kind in sorted(for_koseki)))
    assert len(said) >= len(for_koseki) > 8


def test_of_what_is_filed_the_register_gets_a_notice_with_the_name_that_is_new():
    found = Window("koseki", fuhyo=FUHYO)

    found.works(("RIKON_TODOKE", "1"), ("SHIBO_TODOKE", "2"), ("SHUSSEI_TODOKE", "H"))

    images = {one.image["notice_kind"]: one.image for one in found.book.find("koseki.notice")}
    assert (images["RIKON"]["person"], images["RIKON"]["new_name"]) == ("1", "見本　花子")
    assert (images["SHIBO"]["person"], images["SHIBO"]["new_name"]) == ("2", None)
    assert images["SHUSSEI"]["person"] is None


def test_of_a_special_adoption_nothing_is_told_but_that():
    found = Window("koseki", fuhyo=FUHYO)

    found.works(("TOKUBETSU_YOSHI_TODOKE", "1"))

    image = found.book.find("koseki.notice")[0].image
    assert (image["notice_kind"], image["new_name"], image["new_kana"]) == ("ENGUMI", None, None)


def test_a_death_that_was_entered_for_the_wrong_one_was_never_notified():
    found = Window("koseki", fuhyo=FUHYO)
    found.stands("notice", "N-a", person="2", notice_kind="SHIBO")
    found.stands("notice", "N-b", person="2", notice_kind="RIKON")

    found.asked("fuhyo_reviews", person="2", reason="TORIKESHI_ZO", since="2026-04-01")

    assert [found.now("notice", name)["active"] for name in ("N-a", "N-b")] == [False, True]


def test_a_guardian_is_appointed_and_dismissed_also_of_whom_nothing_was_said_before():
    found = Window("koseki", fuhyo=[])

    found.works(("KOKEN_KAISHI", "1"), ("KOKEN_SHURYO", "2"))

    assert [found.now("guardianship", person)["active"] for person in "12"] == [True, False]
    assert found.reasons("guardianship", "2") == ["KETTEI", "SHURYO"]


@pytest.mark.parametrize("table", ["loss_requests", "guardianship_losses"])
def test_a_seal_is_struck_off_with_the_move_the_death_or_the_guardian(table):
    found = Window("inkan")
    found.stands("registration", "1", person="1", since="2000-01-01")

    found.asked(table, person="1", reason="SHIBO", since="2026-04-02")

    assert found.now("registration", "1")["until"] == Uncertain.parse("2026-04-02")


def test_a_name_beside_the_one_on_the_seal_matters_to_nobody_and_another_one_to_some():
    found = Window("inkan")
    for person in map(str, range(40)):
        found.stands("registration", person, person=person, since="2000-01-01")

    for person in map(str, range(20)):
        found.asked("name_reviews", person=person, reason="KYUUJI_KISAI", since="2026-04-02")
    for person in map(str, range(20, 40)):
        found.asked("name_reviews", person=person, reason="KOSEKI_KONIN", since="2026-04-02")

    stands = {int(one.image["person"]) for one in found.look().facts("inkan.registration")}
    assert set(range(20)) < stands
    assert 22 < len(stands) < 38


def test_a_seal_is_registered_for_a_resident_and_given_up_by_who_has_one():
    row = {"person": "1", "born": "1950-01-01"}
    found = Window("inkan", registrable=[row])

    found.works(("INKAN_TOROKU", "9"), ("INKAN_HAISHI", "1"))
    found.works(("INKAN_TOROKU", "1"))

    assert found.book.find("inkan.registration", {"person": "9"}) == []
    assert found.reasons("registration", "1") == ["KETTEI", "SHURYO", "KETTEI"]


def outside() -> Window:
    return Window("jutogai", resident_index=[])


def test_whom_the_city_writes_to_are_people_corporations_one_protected_one_abroad():
    found = outside()

    found.works()

    images = [one.image for one in found.book.find("jutogai.person")]
    assert {one["kind"] for one in images} == {"1", "2"}
    assert [one["protection"]["level"] for one in images if one["protection"]["level"]] == ["SHIEN"]
    assert any(one["country"] for one in images)


@pytest.mark.parametrize("index", range(60))
def test_a_stranger_has_a_number_that_is_right_and_nothing_that_could_be_somebody_s(index):
    cells = stranger(index)

    assert atena_bango(number(index)[:-1]) == number(index)[-1]
    assert cells == stranger(index)
    assert not any(holds_kojin_bango(cell) for cell in cells.values())
    assert (cells["kind"] == "2") == is_corporation(index)


def test_no_corporation_outside_can_be_a_real_one():
    found = outside()
    found.works()

    given = [one.image["corporation_no"] for one in found.book.find("jutogai.person", {"kind": "2"})]

    assert all(hojin_bango(one[1:]) != one[0] for one in given)
    assert len(set(given)) == len(given) > 1


def test_a_newcomer_on_a_card_is_one_person_with_it_from_now_on():
    found = outside()
    waits = found.asked("match_requests", **NEWCOMER)
    found.works()

    verdict = found.asked("match_requests", **NEWCOMER)

    (card,) = [one for one in found.book.find("jutogai.person") if one.image["merged_into"]]
    assert waits == LATER
    assert (verdict.note, card.image["active"], card.image["merged_into"]) == ("on a card of ours", False, "1")
    assert card.image["name"]["full"] == "見本　一郎"


def test_the_basic_data_find_a_card_without_any_correction():
    found = outside()
    found.stands(
        "person",
        "90000017",
        kind="1",
        birth="1980-02-03",
        **{"name.kana": "ミホン　イチロウ", "name.full": "見本　一郎"},
    )

    found.asked("match_requests", **NEWCOMER)

    assert found.reasons("person", "90000017") == ["KETTEI", "TOGO"]


def test_who_leaves_may_get_a_card_and_a_protected_person_never():
    gone = {"name": "見本　一郎", "new_municipality": "999998", "new_postal_code": "9998001"}
    rows = [gone | {"person": str(one), "protected": one >= 30} for one in range(60)]
    found = Window("jutogai", departed=rows)

    for row in rows:
        asked = {"person": row["person"], "reason": "TENSHUTSU", "left_on": None, "new_address": "ダミー県ダミー市"}
        found.asked("record_requests", **asked)
    cards = len(found.book.find("jutogai.person"))

    assert 1 < cards < 15
    assert cards == sum("mailing.address" in say.image for say in _said(found, rows[:30]))


def _said(found: Window, rows: list) -> list:
    again = Window("jutogai", departed=rows)
    row = {"reason": "TENSHUTSU", "left_on": None, "new_address": "ダミー県ダミー市"}
    return [say for one in rows for say in again.asked("record_requests", person=one["person"], **row).says]


@pytest.mark.parametrize(
    ("department", "entity"), [("jutogai", "person"), ("koseki", "notice"), ("inkan", "registration")]
)
def test_the_same_days_give_the_same_facts(department, entity):
    rows = {"fuhyo": FUHYO, "registrable": FUHYO, "resident_index": FUHYO}
    both = [Window(department, **rows) for _ in range(2)]

    first, second = (
        [(e.key, e.reason, e.data) for _ in range(5) for e in found.works(("INKAN_TOROKU", "1"))] for found in both
    )

    assert first == second
    assert both[0].book.find(f"{department}.{entity}")
