"""Does each department hold and ask what a day of the calendar starts, on that day and not before (calendar.yaml)?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from ruamel.yaml import YAML

from bus.clock.duties import Calendar
from bus.clock.life import Life, Stay
from bus.dates import JAPAN, Uncertain
from bus.event import RESIDENT, Event
from bus.kit.examples import State
from bus.kit.hearing import Told
from bus.reading.law import Dated, Law
from tests.register.ledger import ADDRESS, HEAD, Ledger, newcomer

from .hall import CITY, FLEET, TOPOLOGY
from .lives import CALENDAR

YEAR = timedelta(days=365)
DAY = timedelta(days=1)
BIRTHS = YAML(typ="safe").load(Path(__file__).parents[1] / "register" / "calendar.yaml")
SAID = YAML(typ="safe").load(Path(__file__).with_name("calendar.yaml"))
CONSUMERS = SAID["consumers"]
LOST = {(one["duty"], one["department"]) for one in SAID["not_taken_back"]}
FOREIGN = {"resident_type": "2", "foreign.country": "ダミー国", "foreign.article_30_45": "1"}


def at(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), JAPAN).astimezone(UTC)


def arrives(born: Any, on: date, **cells: str) -> list[Event]:
    ledger = Ledger()
    ledger.now = at(on)
    person = newcomer("見本　花", **{path.replace(".", "__"): cell for path, cell in (ADDRESS | HEAD | cells).items()})
    person["set"]["birth"] = born.isoformat() if isinstance(born, date) else born
    person["set"]["sex"] = "2"
    return ledger.enter("TENNYU", on.isoformat(), [person], household="new")


def once_more(last: Event, kind: str, reason: str, moment: datetime, supersedes: str | None = None) -> Event:
    """The present version again: by the calendar, or for who rebuilds."""
    day = Uncertain.on(moment.astimezone(JAPAN).date())
    return replace(
        last, id=str(uuid4()), kind=kind, reason=reason, recorded=moment, effective=day,
        supersedes=supersedes, undoes=(), change_set=None, before=last.data, before_recorded=last.recorded,
    )  # fmt: skip


def on_the_day(last: Event, duty: str, day: date) -> Event:
    return once_more(last, "CLOCK", duty, at(day, 0))


def on_the_eve(last: Event, day: date) -> Event:
    return once_more(last, "RESYNC", last.reason, at(day - DAY, 23))


def held(department: str, events: Iterable[Event], under: Mapping[str, Any] | None = None) -> State:
    stage = CITY.stage(department).under(under or {})
    return stage.play(stage.deliveries([Told(RESIDENT, event) for event in events]))


def asked(state: State, table: str | None) -> list[dict[str, Any]]:
    return state.tables[table] if table else []


def judge(consumer: Mapping[str, Any], day: date, eve: State, then: State) -> list[str]:
    wrong = []
    new = [row for row in asked(then, consumer.get("asks")) if row not in asked(eve, consumer.get("asks"))]
    if len(new) != bool(consumer.get("asks")):
        wrong.append(f"asks {len(new)} times")
    for row in new:
        wrong += [f"{name}: {row[name]}" for name in consumer.get("says", ()) if str(row[name]) != day.isoformat()]
    for what, before, after in (("holds", 0, 1), ("drops", 1, 0), ("stays", 1, 1)):
        if table := consumer.get(what):
            found = len(eve.tables[table]), len(then.tables[table])
            wrong += (
                [] if found == (before, after) else [f"{what} {table}: {found[0]} rows on the eve, {found[1]} then"]
            )
    others = [name for name, rows in then.tables.items() if name not in then.kept and len(rows) > len(eve.tables[name])]
    return wrong + [f"asks in {name} as well" for name in others if name != consumer.get("asks")]


CASES = [
    pytest.param(case, name, id=f"{name}: {case['duty']} of {case['born']}")
    for case in BIRTHS["births"]
    for name in CONSUMERS.get(case["duty"], ())
]


@pytest.mark.parametrize(("case", "name"), CASES)
def test_a_birth_leads_to_what_a_department_holds_and_asks_on_that_day(case, name):
    consumer, day = CONSUMERS[case["duty"]][name], case["day"]
    *_, last = events = arrives(case["born"], day - 60 * DAY)
    said = [*events, on_the_eve(last, day), on_the_day(last, case["duty"], day)]

    eve, then = held(name, said[:2], consumer.get("under")), held(name, said, consumer.get("under"))

    assert judge(consumer, day, eve, then) == []
    if following := consumer.get("next_day"):
        later = held(name, [*said, on_the_day(last, "SHIGATSU", day + DAY)], consumer.get("under"))
        assert judge(following, day, then, later) == []


@pytest.mark.parametrize(("case", "name"), CASES)
def test_a_birth_that_leaves_the_day_open_is_for_a_person_to_look_at(case, name):
    consumer, day = CONSUMERS[case["duty"]][name], case["day"]
    about = {"text": "このころ", "earliest": str(case["born"] - YEAR), "latest": str(case["born"] + YEAR)}
    *_, last = events = arrives(about, day - 60 * DAY)

    then = held(name, [*events, on_the_eve(last, day)], consumer.get("under"))

    assert {due.why for due in due_between(last, case["duty"], day)} == {"DATE_STRADDLES"}
    assert asked(then, consumer.get("asks")) == []
    assert not consumer.get("holds") or (then.tables[consumer["holds"]] == [] and then.reviews)


def due_between(last: Event, duty: str, day: date) -> list[Any]:
    life = Life((Stay(date(1900, 1, 1), None, date(1900, 1, 1)),), last.data["birth"])
    return list(CALENDAR.between(CALENDAR.by_reason[duty], life, day - 2 * YEAR, day + 2 * YEAR))


ASKING = [one for one in CASES if CONSUMERS[one.values[0]["duty"]][one.values[1]].get("asks")]


@pytest.mark.parametrize(("case", "name"), ASKING)
def test_a_birth_that_is_corrected_takes_the_day_back_and_leads_to_another(case, name):
    consumer, duty, day = CONSUMERS[case["duty"]][name], case["duty"], case["day"]
    ledger = Ledger()
    ledger.now = at(day - 60 * DAY)
    (first,) = ledger.enter("TENNYU", str(day - 60 * DAY), [newcomer(birth=str(case["born"]), **flat(HEAD))])
    said = on_the_day(first, duty, day)
    younger = case["born"] + timedelta(days=366)
    ledger.now = at(day + 5 * DAY)
    corrected = [{"key": first.key, "set": {"birth": str(younger)}}]
    (second,) = ledger.enter("GOKI_SHUSEI", None, corrected, supersedes=first.id)
    back = once_more(second, "CLOCK", duty, second.recorded + timedelta(microseconds=1), supersedes=said.id)
    again = on_the_day(second, duty, anew(duty, younger, consumer.get("under")))

    state = held(name, [first, said, second, back, again], consumer.get("under"))
    rows = asked(state, consumer["asks"])

    if (duty, name) in LOST:  # the person no longer concerned it: nothing is kept, and what was asked stays
        assert [row["supersedes"] for row in rows] == [None] * len(rows)
        assert held(name, [first, said, second, back], consumer.get("under")).tables[consumer["holds"]] == []
        return
    assert sorted((row["event_id"], row["supersedes"]) for row in rows) == sorted(
        [(said.id, None), (back.id, said.id), (again.id, None)]
    )
    (right,) = [row for row in rows if row["event_id"] == again.id]
    for column in consumer.get("says", ()):
        assert str(right[column]) == again.effective.text


def flat(cells: Mapping[str, str]) -> dict[str, str]:
    return {path.replace(".", "__"): cell for path, cell in cells.items()}


def anew(duty: str, born: date, under: Mapping[str, Any] | None) -> date:
    life = Life((Stay(date(1900, 1, 1), None, date(1900, 1, 1)),), Uncertain.on(born))
    calendar = reading(tuple((under or {}).items()))
    (due,) = calendar.between(calendar.by_reason[duty], life, date(2000, 1, 1), date.max)
    return due.day


@cache
def reading(under: tuple[tuple[str, Any], ...]) -> Calendar:
    dated = {name: (Dated(date.min, None, value, "example"),) for name, value in under}
    return Calendar(CALENDAR.duties, Law(CALENDAR.law.parameters | dated))


@pytest.mark.parametrize("case", SAID["readings"], ids=lambda case: f"{case['duty']} {case['day']}")
@pytest.mark.parametrize("name", ["kouki", "kokuho"])
def test_a_law_that_is_read_two_ways_is_played_both_ways(case, name):
    consumer, day = CONSUMERS[case["duty"]][name], case["day"]
    *_, last = events = arrives(case["born"], day - 60 * DAY)
    said = [*events, on_the_eve(last, day), on_the_day(last, case["duty"], day)]

    eve, then = held(name, said[:2], case["under"]), held(name, said, case["under"])

    assert anew(case["duty"], case["born"], case["under"]) == day
    assert judge(consumer, day, eve, then) == []


STAYS = [
    pytest.param(case, name, id=f"{name}: {case['duty']} {case['day']}")
    for case in BIRTHS["others"]
    for name in CONSUMERS[case["duty"]]
]


@pytest.mark.parametrize(("case", "name"), STAYS)
def test_the_end_of_a_permit_is_looked_at_on_its_day(case, name):
    consumer, day = CONSUMERS[case["duty"]][name], case["day"]
    more = {"foreign.expires_on": str(case.get("permit_until", day)), "foreign.since": str(day - 60 * DAY)}
    *_, last = events = arrives(consumer.get("who", date(1990, 7, 7)), day - 60 * DAY, **FOREIGN, **more)
    said = [*events, on_the_eve(last, day), on_the_day(last, case["duty"], day)]

    assert judge(consumer, day, held(name, said[:2]), held(name, said)) == []


YEARLY = [
    pytest.param(duty, day, name, id=f"{name}: {duty}")
    for duty, days in BIRTHS["every_year"].items()
    for day in days
    for name, consumer in CONSUMERS[duty].items()
    if consumer
]


@pytest.mark.parametrize(("duty", "day", "name"), YEARLY)
def test_a_day_of_every_year_is_asked_of_whoever_lives_here(duty, day, name):
    *_, last = events = arrives(date(1990, 7, 7), day - 60 * DAY)
    said = [*events, on_the_eve(last, day), on_the_day(last, duty, day)]

    assert judge(CONSUMERS[duty][name], day, held(name, said[:2]), held(name, said)) == []


@pytest.mark.parametrize("case", SAID["pensions"], ids=lambda case: f"born {case['born']}")
def test_a_deduction_is_asked_for_on_the_first_pension_day_and_on_no_other(case):
    *_, last = events = arrives(case["born"], date(2026, 4, 1))
    days = [date(2026, month, 15) for month in (4, 6, 8, 10, 12)]

    rows = asked(held("kaigo", [*events, *(on_the_day(last, "NENKIN_TSUKI", day) for day in days)]), "deduction_starts")

    assert [row["pension_paid_on"] for row in rows] == [str(day) for day in case["asks_on"]]


@pytest.mark.parametrize("case", SAID["roll"], ids=lambda case: f"born {case['born']}")
def test_a_child_is_on_the_roll_from_1_october_for_nine_years(case):
    first, last_day = case["entrant_on"], case["off_on"]
    *_, last = events = arrives(case["born"], first - 60 * DAY)
    before = [*events, on_the_eve(last, first)]
    entrant = on_the_day(last, "JUGATSU", first)
    years = [on_the_day(last, "JUGATSU", first.replace(year=first.year + number)) for number in range(1, 10)]
    eve, gone = on_the_eve(last, last_day), on_the_day(last, "SHIGATSU", last_day)

    states = [
        held("shugaku", told) for told in (before, [*before, entrant], [*before, entrant, *years[:-1], eve, gone])
    ]
    on_eve = held("shugaku", [*before, entrant, eve])

    assert [len(state.tables["pupils"]) for state in states] == [0, 1, 0]
    assert len(on_eve.tables["pupils"]) == 1
    assert [row["as_of"] for row in asked(states[-1], "entry_requests")] == [str(first)]


@pytest.mark.parametrize("case", SAID["fiscal_years"], ids=lambda case: f"born {case['born']} on {case['day']}")
def test_a_screening_is_of_the_age_at_the_end_of_the_fiscal_year(case):
    *_, last = events = arrives(case["born"], case["day"] - 60 * DAY)

    state = held("kenko_kanri", [*events, on_the_day(last, "SHIGATSU", case["day"])])

    assert (case["of"] in {row["programme"] for row in state.tables["screenings"]}) is case["invited"]


def test_every_duty_that_a_department_hears_is_played_here_and_no_other():
    heard = {(duty, name) for name in FLEET for duty in TOPOLOGY.subscriptions[name].clock}

    assert {(duty, name) for duty, names in CONSUMERS.items() for name in names} == heard
