"""Does the calendar keep its word beside others: movements, a second clock, a forgetful application, a real town?"""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import exc, text
from typer.testing import CliRunner

from bus.adapters.sql.outbox import SqlOutbox
from bus.cli import assemble
from bus.clock import clock as clocks
from bus.clock.clock import Clock
from bus.dates import JAPAN
from bus.errors import Unavailable, Usage
from bus.register.cursor import disorder
from bus.register.entry import Entry
from bus.resident.load import found
from tests.register.clocking import CALENDAR, arrive, at, run, said
from tests.register.ledger import named

pytestmark = pytest.mark.stack


@pytest.fixture
def register(empty_register):
    """Without anybody in it: the clock speaks of everybody there is."""
    return empty_register


class TestAmongOthers:
    def test_a_person_who_was_found_is_counted_from_the_next_day_on(self, register):
        shape = register.entry.shape
        image = shape.blank() | {"is_resident": True, "state": "1", "birth": shape.value("birth", "1961-04-03")}
        register.entry.add_found([found("000000000000019", image, at("2026-04-01", 18), shape)])

        report = run(register, "2026-04-02")

        assert (report.days, report.said) == (1, {"NENREI_65": 1})  # 1 April itself is in what was loaded

    def test_movements_meanwhile_do_not_confuse_it(self, register, monkeypatch):
        monkeypatch.setattr(clocks, "BATCH", 3)
        keys = [arrive(register, "1961-03-20")[0] for _ in range(30)]
        moves = threading.Thread(target=lambda: [rename(register, key, n) for n, key in enumerate(keys * 3)])

        moves.start()
        while moves.is_alive():
            run(register, "2026-03-31")
        moves.join()
        run(register, "2026-03-31")

        assert [said(register, key) for key in keys] == [[("NENREI_65", "2026-03-19", False)]] * 30
        source = SqlOutbox(register.relay)
        rows = [source.read(shard, 0, 10_000).rows for shard in range(4)]
        source.close()
        assert [disorder(some, {}) for some in rows] == [None] * 4
        assert sum(row.repeats for some in rows for row in some) == 30

    def test_only_one_clock_runs_at_a_time(self, register):
        arrive(register, "1961-03-20")
        book = Clock(register.entry, CALENDAR, frozenset()).book

        with pytest.raises(Unavailable) as caught, book.alone():
            run(register, "2026-03-31")

        assert caught.value.code == "CLOCK_RUNS"
        assert run(register, "2026-03-31").said == {"NENREI_65": 1}

    def test_an_empty_register_has_nothing_to_say(self, register):
        assert run(register, "2026-03-31").as_dict() == {
            "since": None, "until": None, "days": 0, "said": {}, "annulled": {}, "review": {},
        }  # fmt: skip

    def test_a_real_town_does_not_say_what_has_not_come(self, register):
        real = Entry(register.app, register.entry.contract, "141003", register.entry.incarnation)
        tomorrow = (datetime.now(JAPAN) + timedelta(days=1)).date()

        with pytest.raises(Usage):
            run(register, tomorrow.isoformat(), real)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO clock_said SELECT gen_random_uuid(), duty, key, due + 1, version, recorded FROM clock_said",
        "INSERT INTO clock_said SELECT event_id, duty, key, due, version, recorded FROM clock_said",
        "DELETE FROM clock_said",
        "UPDATE clock_said SET due = due + 1",
        "UPDATE clock_said SET event_id = gen_random_uuid()",
        "DELETE FROM clock_until",
    ],
)
def test_nothing_is_noted_as_said_that_the_outbox_does_not_say(register, statement):
    (key,) = arrive(register, "1961-03-20")
    run(register, "2026-03-31")

    with pytest.raises(exc.DBAPIError) as caught, register.app.begin() as db:
        db.execute(text(statement))

    assert caught.value.orig.sqlstate in {"P0001", "42501", "23505"}
    assert said(register, key) == [("NENREI_65", "2026-03-19", False)]


def test_the_same_duty_of_the_same_day_cannot_stand_twice(register):
    """Even for a clock that has forgotten what it said."""
    (key,) = arrive(register, "1961-03-20")
    run(register, "2026-03-31")
    again = replace(register.entry.history(key, clock=True)[-1], id=str(uuid4()))

    with pytest.raises(exc.IntegrityError), register.app.begin() as db:
        clocks.outbox.put_many(db, [again], register.entry.contract, "999999", register.entry.incarnation)
        clocks.Book.said(db, [again])

    assert len(said(register, key)) == 1


def rename(register, key, number):
    register.entry.enter(
        {"reason": "SHIMEI_HENKO", "effective": "2026-03-02", "persons": [named(key, name__full=f"乙川　{number}")]},
        at("2026-03-02") + timedelta(minutes=number),
    )


class TestTheCommand:
    @pytest.fixture
    def bus(self, register, monkeypatch):
        monkeypatch.setenv("BUS_REGISTER_DSN", register.dsn)

        def call(*words):
            result = CliRunner().invoke(assemble(), ["clock", "run", *words, "--json"], catch_exceptions=False)
            return result.exit_code, json.loads(result.stdout)

        return call

    def test_it_counts_what_was_said_by_duty_and_who_is_to_be_looked_at(self, register, bus):
        arrive(register, "1961-03-20", {"text": "年月日不詳"})

        code, found = bus("--until", "2026-04-01")

        assert (code, found["since"], found["until"], found["days"]) == (0, "2026-03-01", "2026-04-01", 31)
        assert (found["said"], found["annulled"]) == ({"NENREI_65": 1, "SHIGATSU": 2}, {})
        assert found["review"].keys() >= {"NENREI_20", "SHUGAKU", "TANJOBI_75"}

    def test_what_is_no_day_is_refused(self, bus):
        assert bus("--until", "soon")[0] == 2
