"""What do tests of the calendar share? People of given births, a clock, and what was said of whom."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import text

from bus.clock.clock import Clock
from bus.clock.duties import load, transits
from bus.dates import JAPAN
from bus.reading.law import load as load_law
from tests.register.ledger import CHILD, HEAD, ROOT, SCHEMAS, newcomer

CALENDAR = load(SCHEMAS, load_law(ROOT / "connectors" / "law.yaml"))


def at(day: str, hour: int = 9) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), JAPAN).replace(hour=hour)


def arrive(register, *born, recorded="2026-03-01", effective="2026-03-01", **more):
    """A household of people of these births; their keys."""
    people = [
        newcomer("甲野　一", birth=birth, **{path.replace(".", "__"): cell for path, cell in member.items()}, **more)
        for birth, member in zip(born, [HEAD, *[CHILD] * len(born)], strict=False)
    ]
    request = {"reason": "TENNYU", "effective": effective, "persons": people, "household": "new"}
    return [event.key for event in register.entry.enter(request, at(recorded))]


def enter(register, reason, *persons, on, effective=None, **more):
    request = {"reason": reason, "effective": effective or on, "persons": list(persons), **more}
    return register.entry.enter(request, at(on))


def run(register, until, entry=None, since=None):
    clock = Clock(entry or register.entry, CALENDAR, transits(SCHEMAS))
    return clock.run(date.fromisoformat(until), since=since and date.fromisoformat(since))


def said(register, key):
    """(duty, day, supersedes) of one person, in the order in which it was said."""
    events = register.entry.history(key, clock=True)
    return [(e.reason, str(e.effective.earliest), bool(e.supersedes)) for e in events if e.kind == "CLOCK"]


def published(register, key):
    query = text("SELECT payload, repeats FROM bus_outbox WHERE aggregateid = :key ORDER BY seq")
    with register.relay.connect() as db:
        return [(register.entry.contract.decode(row.payload), row.repeats) for row in db.execute(query, {"key": key})]
