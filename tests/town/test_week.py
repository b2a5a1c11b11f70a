"""Does the register accept everything that is scripted to happen, and is it scripted as it should be?"""

from collections import Counter
from datetime import date, datetime

import pytest

from bus.errors import Reject
from bus.register.entry import Entry
from bus.register.schema import migrate
from bus.resident import codes
from bus.resident.load import load
from bus.settings import ROOT
from bus.town.town import build, read
from bus.town.week import JAPAN, play
from bus.wiring import Wiring
from tests.town.ledger import LAYOUT, Ledger

DAY = date(2026, 4, 5)


@pytest.fixture(scope="module")
def town():
    return build(1_000, 7, DAY)


@pytest.fixture(scope="module")
def city():
    return build(5_000, 7, DAY)


def refused(register, days):
    ids, found = {}, []
    for movement in days.movements:
        request = dict(movement.request) | ({"supersedes": ids[movement.undoes]} if movement.undoes else {})
        try:
            ids[movement.label] = register.enter(request)[0].id
        except Reject as reject:
            found.append((movement.label, reject.code, reject.where))
    return found


def test_the_same_town_has_the_same_week(town):
    assert play(town) == play(build(1_000, 7, DAY))
    assert play(town) != play(build(1_000, 8, DAY))


@pytest.mark.parametrize("days", [7, 30])
def test_every_reason_there_is_occurs(city, days):
    reasons = {movement.request["reason"] for movement in play(city, days).movements}

    assert set(codes.reasons(ROOT / "schemas")) - reasons == {"IKO"}


def test_a_month_of_a_town_of_five_thousand_has_some_hundred_movements(city):
    assert 300 <= len(play(city, 30).movements) <= 600


@pytest.mark.parametrize(("size", "seed", "days"), [(5_000, 7, 30), (5_000, 8, 7), (1_000, 7, 7), (1_000, 7, 1),
                                                    (160, 3, 7), (160, 4, 30), (2_500, 11, 60)])  # fmt: skip
def test_the_rules_refuse_nothing_of_it(tmp_path, size, seed, days):
    town = build(size, seed, DAY)
    ledger, report = Ledger.of(town, tmp_path)

    assert refused(ledger, play(town, days)) == []

    assert (report.loaded, report.rejected) == (size, 0)
    assert {warning.code for warning in report.warnings} <= NEVER_REAL


@pytest.mark.parametrize("day", [date(2026, 12, 25), date(2027, 3, 14), date(2028, 2, 28), date(2026, 4, 30)])
def test_a_month_may_begin_on_any_day(tmp_path, day):
    town = build(2_500, 5, day)

    assert refused(Ledger.of(town, tmp_path)[0], play(town, 30)) == []


def test_a_town_that_was_read_from_a_file_has_its_month(tmp_path, town):
    again = read(town.csv(LAYOUT), LAYOUT, 7)

    assert refused(Ledger.of(town, tmp_path)[0], play(again, 30)) == []


@pytest.mark.parametrize("days", [1, 3, 7, 14])
def test_movements_are_told_in_the_order_of_the_clock_on_the_days_the_counter_is_open(town, days):
    moments = [movement.at for movement in play(town, days).movements]

    assert moments == sorted(set(moments))
    assert max((moment.date() - DAY).days for moment in moments) == {1: 1, 3: 3, 7: 5, 14: 12}[days]
    assert all(moment.weekday() < 5 for moment in moments)


def test_what_is_undone_was_said_before(town):
    said = set()

    for movement in play(town, 30).movements:
        assert movement.undoes is None or movement.undoes in said
        said.add(movement.label)


@pytest.mark.parametrize("days", [1, 7, 30])
def test_the_poisoned_person_has_one_later_movement_that_must_wait(town, days):
    week = play(town, days)

    touching = [m for m in week.movements if week.poisoned in {person["key"] for person in m.request["persons"]}]

    assert [movement.label for movement in touching] == [week.waits]
    assert week.movements[-1].label == week.waits


def test_what_the_family_register_tells_was_filed_there_before(city):
    month = play(city, 30)
    filings = {filing.label: filing for filing in month.filings if filing.label}

    for movement in month.movements:
        reason = movement.request["reason"]
        if reason in ("SHUSSEI", "SHIBO", "TOKUBETSU_YOSHI", "KIKA") or reason.startswith("KOSEKI_"):
            filing = filings[movement.label]
            assert (movement.at - filing.at).total_seconds() == 3_600
            assert filing.kind.endswith("_TODOKE")
    assert list(month.filings) == sorted(month.filings, key=lambda filing: filing.at)
    assert {filing.label is None for filing in month.filings} == {True, False}
    keys = {resident.key for resident in city.residents} | {resident.household for resident in city.residents}
    assert {filing.key for filing in month.filings} <= keys


def test_deaths_and_births_of_a_weekend_are_entered_on_the_next_open_day():
    month = play(build(20_000, 7, DAY), 30)
    told = [
        m
        for m in month.movements
        if m.request["reason"] in ("SHUSSEI", "SHIBO") and isinstance(m.request["effective"], str)
    ]

    assert any(date.fromisoformat(m.request["effective"]).weekday() >= 5 for m in told)
    assert Counter(m.at.hour for m in month.movements).most_common(1)[0][0] in range(10, 15)


@pytest.mark.stack
@pytest.mark.parametrize("days", [1, 7])
def test_the_register_accepts_the_whole_week(stack, database, tmp_path, town, days):
    dsn = database("register")
    migrate(dsn)
    wiring = Wiring(stack.settings)
    wiring.settings.register_dsn = dsn
    entry = Entry.open(wiring.engine("register"), wiring.contracts.canonical(), wiring.topology.town)
    file = tmp_path / "town.csv"
    file.write_text(town.csv(LAYOUT), encoding="utf-8")
    report = load(
        entry, file, codes.layout(ROOT / "schemas", "mado-122"), recorded=datetime(2026, 4, 5, 18, tzinfo=JAPAN)
    )

    assert refused(entry, play(town, days)) == []

    assert report.loaded == 1_000


# Numbers that can never be real, the habits of old systems, and dates nobody knows: a loader has to live with them.
NEVER_REAL = {
    "MUNICIPALITY_CHECK_DIGIT", "JUMINHYO_CHECK_DIGIT", "EMPTY_IDENTIFIER", "FULL_WIDTH_DIGITS",
    "PREVIOUS_ADDRESS_UNSPLIT", "FOREIGNER_WITHOUT_HONSEKI", "BIRTH_UNKNOWN_FLAG", "DATE_UNREADABLE",
    "MOVE_OUT_UNCONFIRMED",
}  # fmt: skip
