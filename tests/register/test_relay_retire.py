"""Is a day of the outbox dropped only when everybody has all of it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from bus.adapters.sql.engine import engine as connect
from bus.adapters.sql.retire import SqlDays
from bus.errors import Misconfigured
from bus.register.outbox import make_partitions
from bus.register.retire import DROP, KEEP, NOTE_CANONICAL, NOTE_NARROWED, Day, Progress, decide, maintain
from tests.register import writers

RESIDENT = "999999.juki.resident.v1"
CANONICAL = {(RESIDENT, 0): 10, (RESIDENT, 1): 0}
TAX, SCHOOL = "999999.tax.in.juki.resident.v1", "999999.school.in.juki.resident.v1"
NARROWED = {(TAX, 0): 7, (SCHOOL, 0): 3}
FRESH = Day(date(2026, 4, 1), "bus_outbox_20260401", {0: 100, 1: 50})
DONE = replace(FRESH, canonical=CANONICAL, narrowed=NARROWED)
ALL = Progress(
    today=date(2026, 4, 2),
    said={0: 100, 1: 60},
    projector={(RESIDENT, 0): 10},
    departments={"tax": {(TAX, 0): 7}, "school": {(SCHOOL, 0): 4}},
    subscribed={"tax": frozenset({TAX}), "school": frozenset({SCHOOL})},
)
FOLDED = replace(ALL, heard={"household": frozenset({RESIDENT})})


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
        (DONE, FOLDED, (KEEP, "household")),
        (DONE, replace(FOLDED, processors={"household": {(RESIDENT, 0): 9}}), (KEEP, "household")),
        (DONE, replace(FOLDED, processors={"household": {(RESIDENT, 0): 10}}), (DROP, "")),
        (DONE, replace(FOLDED, heard={"household": frozenset({"999999.juki.other.v1"})}), (DROP, "")),
        (DONE, replace(ALL, departments={}, subscribed={}), (DROP, "")),
        (replace(FRESH, last={}), replace(ALL, projector={}), (DROP, "")),
        (replace(FRESH, last={}), replace(ALL, today=date(2026, 4, 1)), (KEEP, "the day is not over")),
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


@pytest.mark.stack
def test_who_commits_into_a_day_that_was_noted_has_it_noted_anew(outbox):
    register, days, yesterday = outbox
    table = f"bus_outbox_{yesterday:%Y%m%d}"
    noted = run(days, departments={})[table]

    with register.begin() as db:
        writers.say(db, "01")
        db.execute(text("UPDATE bus_outbox SET created = :day"), {"day": yesterday})
    unsaid = run(days, departments={})[table]
    with register.begin() as db:
        db.execute(text("UPDATE bus_lease l SET cursor = (SELECT max(seq) FROM bus_outbox o WHERE o.shard = l.shard)"))
    again = run(days, projector={})[table]

    assert noted == (NOTE_NARROWED, "school")
    assert unsaid == (KEEP, "the relay")
    assert again == (NOTE_CANONICAL, "the projector")


@pytest.mark.stack
def test_days_of_two_outboxes_have_the_same_names_and_each_its_own_notes(outbox, database):
    register, _, yesterday = outbox
    table, notes = f"bus_outbox_{yesterday:%Y%m%d}", connect(database("notes"))
    first, second = (SqlDays(register, notes, name, 1) for name in ("", "tax"))

    assert run(first, projector={})[table] == (NOTE_CANONICAL, "the projector")
    assert run(second, projector={})[table] == (NOTE_CANONICAL, "the projector")
    assert run(first, projector={})[table] == (KEEP, "the projector")
    assert run(second)[table] == (DROP, "")
    notes.dispose()


@pytest.mark.stack
def test_an_outbox_that_is_not_there_yet_is_made_where_that_is_allowed(database):
    empty, notes = connect(database("tax")), connect(database("notes"))
    days = SqlDays(empty, notes, "tax", 1)

    with pytest.raises(Misconfigured):
        SqlDays(empty, notes).ahead(3)
    days.ahead(10)

    assert len(days.days()) == 10
    assert days.said() == {0: 0}
    empty.dispose()
    notes.dispose()
