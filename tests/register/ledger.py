"""A register in memory: the same rules, without a database. What tests of the rules act on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from bus.dates import day
from bus.event import Event
from bus.movement.act import Past, Person, Request, Scene
from bus.movement.decide import decide
from bus.resident import codes
from bus.resident.image import Shape
from bus.resident.numbers import issued

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
SHAPE = Shape(json.loads((SCHEMAS / "juki" / "resident.1.avsc").read_text(encoding="utf-8")))
REASONS = codes.reasons(SCHEMAS)
START = datetime(2026, 4, 1, 1, tzinfo=UTC)
ADDRESS = {
    "address.prefecture": "サンプル県",
    "address.city": "サンプル市",
    "address.town": "北一丁目",
    "address.lot": "３番地",
}
HEAD = {"household.relation_code": "02", "household.relation": "世帯主"}
WIFE = {"household.relation_code": "12", "household.relation": "妻"}
CHILD = {"household.relation_code": "20", "household.relation": "子"}


class Ledger:
    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.pasts: dict[str, list[Past]] = {}
        self.now = START
        self.serial = count(1)

    def enter(self, reason: str, effective: object = "2026-04-01", persons: object = (), **more: object) -> list[Event]:
        request = Request.parse({"reason": reason, "effective": effective, "persons": persons, **more}, SHAPE)
        self.now += timedelta(minutes=1)
        scene = Scene(
            today=day(self.now),
            town="999999",
            persons=self.people,
            pasts=self.pasts,
            households=frozenset(p.image["household.no"] for p in self.people.values()),
            keys=[issued(next(self.serial)) for key, _ in request.persons if key is None],
            household=issued(next(self.serial)),
        )
        changes = decide(request, scene, REASONS, SHAPE, self.now)
        for event, flat in changes:
            before = self.people[event.key].image if event.key in self.people else None
            past = (event.id, event.kind, event.reason, event.effective, event.supersedes)
            set_id = event.change_set.id if event.change_set else None
            self.pasts.setdefault(event.key, []).append(Past(*past, set_id, before, dict(flat)))
            self.people[event.key] = Person(event.key, event.version, dict(flat), event.recorded)
        return [event for event, _ in changes]

    def image(self, key: str) -> dict:
        return self.people[key].image

    def family(self, *members: dict, effective: str = "2026-04-01", household: str = "new") -> list[str]:
        persons = [
            newcomer(f"甲野　{number}子", **{k.replace(".", "__"): v for k, v in member.items()})
            for number, member in enumerate(members)
        ]
        return [event.key for event in self.enter("TENNYU", effective, persons, household=household)]


def newcomer(name: str = "甲野　一郎", **more: str) -> dict:
    cells = {path.replace("__", "."): cell for path, cell in more.items()}
    return {"key": None, "set": {"name.full": name, "birth": "1980-03-05", **ADDRESS, **cells}}


def named(key: str, **cells: object) -> dict:
    return {"key": key, "set": {path.replace("__", "."): cell for path, cell in cells.items()}}
