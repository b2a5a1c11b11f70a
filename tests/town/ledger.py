"""A register in memory that holds a whole town: a decision sees the households concerned, as in register/entry.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from bus.dates import JAPAN, day
from bus.errors import Reject
from bus.event import Event
from bus.movement.act import Past, Person, Request, Scene
from bus.movement.decide import decide
from bus.resident import codes
from bus.resident.image import Changes, Shape
from bus.resident.load import Report, load
from bus.resident.numbers import issued
from bus.settings import ROOT
from bus.town.town import Town
from tests.register.ledger import REASONS, SHAPE

LAYOUT = ROOT / "schemas" / "layouts" / "mado-122.yaml"


class Ledger:
    shape: Shape = SHAPE

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.pasts: dict[str, list[Past]] = {}
        self.members: dict[str, set[str]] = {}
        self.act_of: dict[str, list[str]] = {}  # event -> everybody its act concerned
        self.serial = count(5_000_001)

    @classmethod
    def of(cls, town: Town, tmp_path: Any) -> tuple[Ledger, Report]:
        ledger, file = cls(), tmp_path / "town.csv"
        file.write_text(town.csv(LAYOUT), encoding="utf-8")
        recorded = datetime(town.day.year, town.day.month, town.day.day, 18, tzinfo=JAPAN)
        return ledger, load(ledger, file, codes.layout(ROOT / "schemas", "mado-122"), recorded=recorded)

    def add_found(self, changes: Changes) -> tuple[int, list[str]]:
        self._keep(changes)
        return len(changes), []

    def enter(self, request: Mapping[str, Any]) -> list[Event]:
        asked = Request.parse(request, SHAPE)
        assert asked.recorded is not None
        scene = self._scene(asked, asked.recorded)
        if any(person.recorded > asked.recorded for person in scene.persons.values()):
            raise Reject("earlier than what is recorded already", code="RECORDED_ORDER", where="recorded")
        changes = decide(asked, scene, REASONS, SHAPE, asked.recorded.astimezone(UTC))
        self._keep(changes)
        return [event for event, _ in changes]

    def _scene(self, asked: Request, recorded: datetime) -> Scene:
        involved = self.act_of.get(asked.supersedes or "", [])
        keys = {key for key, _ in asked.persons if key in self.people} | set(involved)
        households = {str(self.people[key].image["household.no"]) for key in keys}
        households |= {asked.household} & set(self.members)
        keys |= {key for household in households for key in self.members.get(household, ())}
        return Scene(
            today=day(recorded), town="999999", persons={key: self.people[key] for key in sorted(keys)},
            pasts={key: self.pasts[key] for key in involved}, households=frozenset(households),
            keys=[issued(next(self.serial)) for key, _ in asked.persons if key is None],
            household=issued(next(self.serial)),
        )  # fmt: skip

    def _keep(self, changes: Changes) -> None:
        for event, flat in changes:
            known = self.people.get(event.key)
            before = known.image if known else None
            set_id = event.change_set.id if event.change_set else None
            past = Past(
                event.id, event.kind, event.reason, event.effective, event.supersedes, set_id, before, dict(flat)
            )
            self.pasts.setdefault(event.key, []).append(past)
            if known and before:
                self.members[str(before["household.no"])].discard(event.key)
            self.people[event.key] = Person(event.key, event.version, dict(flat), event.recorded)
            self.members.setdefault(str(flat["household.no"]), set()).add(event.key)
            together = changes if set_id else [(event, flat)]
            self.act_of[event.id] = [other.key for other, _ in together]
