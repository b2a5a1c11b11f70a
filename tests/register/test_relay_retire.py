"""Is a day of the outbox dropped only when everybody has all of it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from bus.adapters.sql.engine import engine as connect
from bus.adapters.sql.retire import SqlDays
from bus.register.outbox import make_partitions
from bus.register.retire import DROP, KEEP, NOTE_CANONICAL, NOTE_NARROWED, Day, Progress, decide, maintain
from tests.register import writers

CANONICAL = {("999999.juki.resident.v1", 0): 10, ("999999.juki.resident.v1", 1): 0}
TAX, SCHOOL = "999999.tax.in.juki.resident.v1", "999999.school.in.juki.resident.v1"
NARROWED = {(TAX, 0): 7, (SCHOOL, 0): 3}
FRESH = Day(date(2026, 4, 1), "bus_outbox_20260401", {0: 100, 1: 50})
DONE = replace(FRESH, canonical=CANONICAL, narrowed=NARROWED)
ALL = Progress(
    today=date(2026, 4, 2),
    said={0: 100, 1: 60},
    projector={("999999.juki.resident.v1", 0): 10},
    departments={"tax": {(TAX, 0): 7}, "school": {(SCHOOL, 0): 4}},
    subscribed={"tax": frozenset({TAX}), "school": frozenset({SCHOOL})},
)


@pytest.mark.parametrize(
    ("day", "progress", "expected"),
    [
        (DONE, ALL, (DROP, "")),
        (DONE, replace(ALL, today=date(2026, 4, 1)), (KEEP, "the day is not over")),
        (DONE, replace(ALL, said={0: 99, 1: 60}), (KEEP, "the relay")),
        (DONE, replace(ALL, said={0: 100}), (KEEP, "the relay")),
        (FRESH, ALL, (NOTE_CANONICAL, "the projector")),
        (replace(FRESH, canonical=CANONICAL), ALL, (NOTE_NARROWED, "the departments")),
        (DONE, replace(ALL, projector={}), (KEEP, "the projector")),
        (DONE, replace(ALL, departments={"school": {(SCHOOL, 0): 4}}), (KEEP, "tax")),
        (DONE, replace(ALL, departments={"tax": {(TAX, 0): 7}, "school": {(SCHOOL, 0): 2}}), (KEEP, "school")),
    ],
)
def test_a_day_goes_one_stage_after_the_other(day, progress, expected):
    assert decide(day, progress) == expected


class Notes:
    """Days in memory: the port of retire.maintain."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.dropped = False

    def days(self):
        return [] if self.dropped else [self.day]

    def note(self, day, column, ends):
        self.day = replace(self.day, **{column: ends})

    def drop(self, day):
        self.dropped = True
        return True


def test_what_was_noted_is_kept_until_the_next_run():
    notes = Notes(FRESH)
    behind = replace(ALL, projector={}, departments={})

    first = maintain(notes, behind, lambda: CANONICAL, lambda: NARROWED)
    second = maintain(notes, behind, lambda: pytest.fail("noted twice"), lambda: NARROWED)
    third = maintain(notes, replace(ALL, departments={}), lambda: pytest.fail("noted twice"), lambda: NARROWED)
    last = maintain(notes, ALL, lambda: pytest.fail("noted twice"), lambda: pytest.fail("noted twice"))

    assert first == [("bus_outbox_20260401", NOTE_CANONICAL, "the projector")]
    assert second == [("bus_outbox_20260401", KEEP, "the projector")]
    assert third == [("bus_outbox_20260401", NOTE_NARROWED, "school")]
    assert last == [("bus_outbox_20260401", DROP, "")]
    assert notes.dropped


@pytest.fixture
def outbox(database):
    """A register whose outbox holds yesterday: (its engine, the days, yesterday)."""
    register, notes = connect(database("register")), connect(database("bus"))
    writers.install(register)
    yesterday = SqlDays(register, notes).today() - timedelta(days=1)
    with register.begin() as db:
        make_partitions(db, yesterday, days=1)
        for key in range(1, 30):
            writers.say(db, f"0{key}")
        db.execute(text("UPDATE bus_outbox SET created = :day"), {"day": yesterday})
        db.execute(text("UPDATE bus_lease l SET cursor = (SELECT max(seq) FROM bus_outbox o WHERE o.shard = l.shard)"))
    yield register, SqlDays(register, notes), yesterday
    register.dispose()
    notes.dispose()


def run(days: SqlDays, **progress) -> dict[str, tuple[str, str]]:
    now = replace(ALL, today=days.today(), said=days.said(), **progress)
    return {table: (done, waits) for table, done, waits in maintain(days, now, lambda: CANONICAL, lambda: NARROWED)}


@pytest.mark.stack
def test_a_day_in_the_database_is_dropped_after_all_three_stages(outbox):
    register, days, yesterday = outbox
    table = f"bus_outbox_{yesterday:%Y%m%d}"
    days.ahead(3)

    assert run(days, projector={})[table] == (NOTE_CANONICAL, "the projector")
    assert run(days, departments={})[table] == (NOTE_NARROWED, "school")
    assert run(days)[table] == (DROP, "")
    assert table not in run(days)
    with register.connect() as db:
        assert db.execute(text("SELECT count(*) FROM bus_outbox")).scalar_one() == 0


@pytest.mark.stack
def test_a_day_stays_while_somebody_is_blocked_or_a_transaction_of_that_day_is_open(outbox):
    register, days, yesterday = outbox
    table = f"bus_outbox_{yesterday:%Y%m%d}"
    with register.begin() as db:
        db.execute(text("INSERT INTO bus_blocked SELECT shard, '01', 1, 'RANGE' FROM bus_lease WHERE shard = 1"))
    blocked = run(days)[table]
    with register.begin() as db:
        db.execute(text("DELETE FROM bus_blocked"))

    with register.connect() as db:
        db.execute(text(f"INSERT INTO {table} SELECT * FROM {table} LIMIT 0"))  # holds what an insert holds
        open_insert = run(days)[table]
        db.rollback()

    assert blocked == (KEEP, "the relay")
    assert open_insert == (KEEP, "the relay")
    assert run(days)[table] == (DROP, "")
