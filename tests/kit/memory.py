"""Where do desks work in tests? A city hall in memory: real contracts, real connectors, the real rules of facts."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from hashlib import md5
from typing import Any

from bus.adapters.memory import MemoryStore
from bus.adapters.sql.facts import Fact, Said
from bus.adapters.sql.proposals import CONFIRMED, FINAL, PROPOSED, REJECTED, Decision, Request, decision_key
from bus.dates import JAPAN, Uncertain, day
from bus.event import Event
from bus.fact.decide import Rules, decide
from bus.fact.reasons import reasons
from bus.fact.say import Past, Present, Say
from bus.fact.shape import FactShape
from bus.kit.desk.desk import Desk, Office, Worked
from bus.kit.hearing import Told
from bus.resident import codes, layout
from bus.resident.image import Shape
from bus.resident.load import found
from bus.town.town import build
from tests.fleet.hall import CONTRACTS, ROOT, stage


class Book:
    """What one department says; every word of it is judged as in operation."""

    def __init__(self, system: str) -> None:
        self.system, self.contracts = system, CONTRACTS
        self.events: dict[tuple[str, str], list[Event]] = {}
        self.pasts: dict[tuple[str, str], list[Past]] = {}
        self.causes: list[tuple[str | None, str, Event]] = []
        self.outbox: list[Told] = []
        self._rules: dict[str, Rules] = {}

    def rules(self, entity: str) -> Rules:
        if entity not in self._rules:
            assert entity.partition(".")[0] == self.system, f"{self.system} does not speak for {entity}"
            shape = FactShape(CONTRACTS.canonical(entity).image)
            self._rules[entity] = Rules(shape, reasons(CONTRACTS.schemas))
        return self._rules[entity]

    def speaks(self, entity: str) -> bool:
        return entity in CONTRACTS.topology.topics and entity.partition(".")[0] == self.system

    def say(self, _: None, says: Sequence[Say], recorded: datetime | None = None) -> list[Event]:
        return [event for say in says if (event := self._say(say, recorded or datetime.now(UTC))) is not None]

    def _say(self, say: Say, recorded: datetime) -> Event | None:
        place, rules = (say.entity, say.key), self.rules(say.entity)
        pasts = self.pasts.setdefault(place, [])
        present = Present(len(pasts), pasts[-1].after, self.events[place][-1].recorded) if pasts else None
        decided = decide(rules, present, pasts, say, recorded, str(uuid.uuid4()))
        if decided is None:
            return None
        one, before = decided.event, present.image if present else None
        pasts.append(Past(one.id, one.kind, one.supersedes, one.effective, decided.said, before, decided.after))
        self.events.setdefault(place, []).append(one)
        self.causes.append((say.cause, say.entity, one))
        self.outbox.append(Told(say.entity, one))
        return one

    def history(self, entity: str, key: str) -> list[Event]:
        self.rules(entity)
        return list(self.events.get((entity, key), []))

    def find(self, entity: str, where: Mapping[str, Any] | None = None) -> list[Fact]:
        self.rules(entity)
        last = [(key, events[-1]) for (of, key), events in sorted(self.events.items()) if of == entity]
        return [
            Fact(entity, key, event.version, event.data, event.recorded)
            for key, event in last
            if all(event.data[path] == value for path, value in (where or {}).items())
        ]

    def caused(self, cause: str) -> list[Said]:
        gone = {event.supersedes for _, _, event in self.causes if event.kind == "ANNUL"}
        mine = [(entity, event) for by, entity, event in self.causes if by == cause]
        return [Said(entity, event.key, event.id, event.reason, event.id in gone) for entity, event in mine]


class Tables:
    """A department's own tables, read as JSON would have them."""

    def __init__(self, rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> None:
        self.given = dict(rows or {})

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [json.loads(json.dumps(row, default=_plain)) for row in self.given.get(table, ())]

    def find(self, table: str, **where: Any) -> list[dict[str, Any]]:
        return [row for row in self.rows(table) if all(row[column] == value for column, value in where.items())]

    def sample(self, table: str, count: int, salt: str) -> list[dict[str, Any]]:
        rows = self.rows(table)
        return sorted(rows, key=lambda row: md5(f"{salt}{next(iter(row.values()))}".encode()).hexdigest())[:count]


def _plain(value: Any) -> Any:
    return value.as_json() if isinstance(value, Uncertain) else str(value)


class Department(Tables):
    """One department: its connector, its tables, its proposals, its book, its desk."""

    def __init__(self, name: str, office: Office, world: Mapping[str, Tables]) -> None:
        super().__init__()
        self.name, self.stage, self.book = name, stage(name), Book(name)
        self.store = MemoryStore()
        self.stage.play([], self.store)
        self.decisions: dict[tuple[str, str], tuple[str, datetime | None, str]] = {}
        self.led_to: dict[tuple[str, str], tuple[str, ...]] = {}
        self.desk = Desk(name, office, self, self, world)

    def hear(self, told: Iterable[Told]) -> None:
        mine = [one for one in told if one.entity in self.stage.ears]
        for delivery in self.stage.deliveries(mine):
            self.store.apply(self.name, [delivery], {(delivery.record.topic, 0): delivery.record.offset + 1})

    def rows(self, table: str) -> list[dict[str, Any]]:
        if table == "bus_fact":
            facts = [fact for entity in {of for of, _ in self.book.events} for fact in self.book.find(entity)]
            self.given[table] = [{"entity": one.entity, "key": one.key, "image": one.image} for one in facts]
        elif table == "bus_proposal":
            self.given[table] = [
                {"request": request, "event_id": event, "state": state}
                for (request, event), (state, _, _) in self.decisions.items()
            ]
        elif known := next((one for one in self.stage.connector.tables if one.name == table), None):
            names = [column.name for column in known.columns]
            self.given[table] = [dict(zip(names, row, strict=True)) for row in self.store.rows(table)]
        return super().rows(table)

    # As Proposals

    def requests(self) -> list[Request]:
        requests = []
        for table in (one for one in self.stage.connector.tables if not one.kept):
            names = [column.name for column in table.columns]
            for cells in self.store.rows(table.name):
                row = dict(zip(names, cells, strict=True))
                event, kind, supersedes = (row.pop(name) for name in ("event_id", "kind", "supersedes"))
                state, at, note = self.decisions.get((table.name, event), ("received", None, ""))
                requests.append(Request(table.name, event, kind, supersedes, state, None, at, note, row))
        return requests

    def open(self) -> list[Request]:
        return [one for one in self.requests() if one.state not in FINAL]

    def led(self, table: str, event: str) -> tuple[str, ...]:
        return self.led_to.get((table, event), ())

    def propose(self, table: str, event: str, *, by: str, note: str = "", recorded: Any = None) -> Decision:
        is_new = self.decisions.get((table, event), ("",))[0] != PROPOSED
        if is_new:
            self.decisions[table, event] = (PROPOSED, recorded, note)
        return Decision(PROPOSED, (), is_new)

    def confirm(self, table: str, event: str, says: Sequence[Say] = (), **how: Any) -> Decision:
        return self._decide(CONFIRMED, table, event, says, **how)

    def reject(self, table: str, event: str, says: Sequence[Say] = (), **how: Any) -> Decision:
        return self._decide(REJECTED, table, event, says, **how)

    def _decide(
        self, state: str, table: str, event: str, says: Sequence[Say], *, by: str, note: str, recorded: datetime
    ) -> Decision:
        assert self.decisions.get((table, event), ("",))[0] not in FINAL
        caused = [Say(s.entity, s.key, s.reason, s.image, s.effective, s.supersedes, s.cause or event) for s in says]
        if self.book.speaks(acknowledged := f"{self.name}.decision"):
            key, on = decision_key(self.name, table, event), Uncertain.on(day(recorded))
            caused.append(Say(acknowledged, key, "KETTEI", {"event": event, "state": state}, on, cause=event))
        events = self.book.say(None, caused, recorded)
        self.decisions[table, event] = (state, recorded, note)
        self.led_to[table, event] = tuple(one.id for one in events)
        return Decision(state, self.led_to[table, event])


class City:
    """Departments that hear one another over night."""

    def __init__(self, offices: Mapping[str, Office], residents: Sequence[Event] = ()) -> None:
        self.world: dict[str, Department] = {}
        for name in sorted(offices):
            self.world[name] = Department(name, offices[name], self.world)
        self.heard: list[Told] = []
        self.tell([Told("juki.resident", event) for event in residents])

    def tell(self, told: Sequence[Told]) -> None:
        self.heard += told
        for department in self.world.values():
            department.hear(told)

    def work(self, on: date, filings: Mapping[str, Sequence[Any]] | None = None, *, chores: bool = True) -> Worked:
        """A day of everybody, and the night after it."""
        total = Worked()
        for name, department in self.world.items():
            here = (filings or {}).get(name, ())
            total += department.desk.work(on, evening(on), chores=chores, filings=here)
        self.night()
        return total

    def night(self) -> None:
        for department in self.world.values():
            told, department.book.outbox = department.book.outbox, []
            self.tell(told)

    def said(self, entity: str) -> list[Event]:
        return [one.event for one in self.heard if one.entity == entity]


@cache
def residents(size: int, on: date) -> tuple[Event, ...]:
    """Of an invented town, as they are loaded."""
    columns, shape = codes.layout(ROOT / "schemas", "mado-122"), Shape(CONTRACTS.canonical().image)
    people = (one.cells | {"key": one.key} for one in build(size, 7, on).residents)
    rows = (layout.Row(line, [cells.get(column.path, "") for column in columns]) for line, cells in enumerate(people))
    return tuple(found(*layout.read(row, columns, shape), evening(on), shape)[0] for row in rows)


def evening(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, 18, tzinfo=JAPAN)
