"""Does the register accept everything that is scripted to happen?"""

from collections import Counter
from datetime import date, datetime

import pytest

from bus.register.entry import Entry
from bus.register.schema import migrate
from bus.resident import codes
from bus.resident.load import load
from bus.settings import ROOT
from bus.town.town import build
from bus.town.week import JAPAN, play
from bus.wiring import Wiring

DAY = date(2026, 4, 5)


@pytest.fixture(scope="module")
def town():
    return build(1_000, 7, DAY)


def test_the_same_town_has_the_same_week(town):
    assert play(town) == play(build(1_000, 7, DAY))
    assert play(town) != play(build(1_000, 8, DAY))


def test_a_week_has_everything_that_goes_wrong_in_a_city(town):
    reasons = Counter(movement.request["reason"] for movement in play(town).movements)

    assert reasons.keys() >= {
        "TENNYU", "SHUSSEI", "SHIBO", "TENKYO", "TENSHUTSU_TODOKE", "TENSHUTSU", "TENSHUTSU_KAKUTEI",
        "TENSHUTSU_TORIKESHI", "SETAINUSHI_HENKO", "SETAI_BUNRI", "SETAI_GAPPEI", "SHIMEI_HENKO", "GOKI_SHUSEI",
        "SHOKKEN_SHUSEI", "TORIKESHI_ZO", "TORIKESHI_GEN", "TORIKESHI_SHUSEI", "SHIEN_SOCHI_KAISHI",
    }  # fmt: skip


@pytest.mark.parametrize("days", [1, 3, 7, 14])
def test_movements_are_told_in_the_order_of_the_clock(town, days):
    moments = [movement.at for movement in play(town, days).movements]

    assert moments == sorted(moments)
    assert (moments[-1].date() - DAY).days == days


def test_what_is_undone_was_said_before(town):
    said = set()

    for movement in play(town).movements:
        assert movement.undoes is None or movement.undoes in said
        said.add(movement.label)


def test_the_poisoned_person_has_one_later_movement_that_must_wait(town):
    week = play(town)

    touching = [m for m in week.movements if week.poisoned in {person["key"] for person in m.request["persons"]}]

    assert [movement.label for movement in touching] == [week.waits]


@pytest.mark.stack
@pytest.mark.parametrize("days", [1, 7])
def test_the_register_accepts_the_whole_week(stack, database, tmp_path, town, days):
    dsn = database("register")
    migrate(dsn)
    wiring = Wiring(stack.settings)
    wiring.settings.register_dsn = dsn
    entry = Entry.open(wiring.engine("register"), wiring.contracts.canonical(), wiring.topology.town)
    file = tmp_path / "town.csv"
    file.write_text(town.csv(ROOT / "schemas/layouts/mado-122.yaml"), encoding="utf-8")
    report = load(
        entry, file, codes.layout(ROOT / "schemas", "mado-122"), recorded=datetime(2026, 4, 5, 18, tzinfo=JAPAN)
    )
    ids = {}

    for movement in play(town, days).movements:
        request = dict(movement.request) | ({"supersedes": ids[movement.undoes]} if movement.undoes else {})
        ids[movement.label] = entry.enter(request)[0].id

    assert report.loaded == 1_000
    assert {warning.code for warning in report.warnings} <= NEVER_REAL


# Numbers that can never be real, and the habits of old systems that a loader has to live with.
NEVER_REAL = {
    "MUNICIPALITY_CHECK_DIGIT", "JUMINHYO_CHECK_DIGIT", "EMPTY_IDENTIFIER", "FULL_WIDTH_DIGITS",
    "PREVIOUS_ADDRESS_UNSPLIT", "FOREIGNER_WITHOUT_HONSEKI",
}  # fmt: skip
