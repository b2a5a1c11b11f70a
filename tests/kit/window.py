"""What lies before the staff of one department? Its tables and its book, invented; what they answer and do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from bus.adapters.sql.proposals import Request
from bus.dates import JAPAN, Uncertain
from bus.event import Event
from bus.fact.say import Say
from bus.kit.desk.desk import Look, Verdict
from bus.kit.desk.offices import OFFICES
from bus.town.stories.script import Filing
from tests.kit.memory import Book, Tables, evening

MONDAY = date(2026, 4, 6)


def filing(kind: str, person: str, on: date = MONDAY) -> Filing:
    return Filing(datetime(on.year, on.month, on.day, 10, tzinfo=JAPAN), kind, person, "label")


class Window:
    """One department. `world`: tables of others; every call that says something is a day later than the one before."""

    def __init__(self, department: str, world: Mapping[str, Any] | None = None, **tables: Sequence[Any]) -> None:
        self.department, self.office, self.book = department, OFFICES[department], Book(department)
        self.files = Tables(tables)
        self.world = {name: Tables(rows) for name, rows in (world or {}).items()} | {department: self.files}
        self.on, self.number = MONDAY, count(1)

    def look(self, filings: Sequence[Filing] = ()) -> Look:
        return Look(self.on, self.book, self.files, self.world, filings)

    def say(self, says: Sequence[Say]) -> list[Event]:
        self.on += timedelta(days=1)
        return self.book.say(None, list(says), evening(self.on))

    def stands(self, entity: str, key: str, **image: Any) -> Event:
        """It stands already."""
        says = [Say(f"{self.department}.{entity}", f"{self.department}/{key}", "KETTEI", image, Uncertain.on(self.on))]
        return self.say(says)[0]

    def asked(self, table: str, **row: Any) -> Verdict:
        """The answer, and what it says is said."""
        request = Request(table, f"e{next(self.number)}", "REGISTER", None, "received", None, None, None, row)
        verdict = self.office.answers[table](request, self.look())
        self.say(verdict.says)
        return verdict

    def works(self, *filed: tuple[str, str]) -> list[Event]:
        """A day's chores. `filed`: kind and person."""
        look = self.look([filing(kind, person, self.on) for kind, person in filed])
        said = [
            event
            for chore in (*self.office.chores, *self.office.closing)
            for event in self.book.say(None, list(chore(look)), evening(self.on))
        ]
        self.on += timedelta(days=1)
        return said

    def now(self, entity: str, key: str) -> Mapping[str, Any]:
        """What is said of a fact."""
        return self.book.history(f"{self.department}.{entity}", f"{self.department}/{key}")[-1].data

    def reasons(self, entity: str, key: str) -> list[str]:
        return [event.reason for event in self.book.history(f"{self.department}.{entity}", f"{self.department}/{key}")]
