"""What did a department agree to? Its examples.yaml, told through the whole path in memory."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from bus.adapters.memory import MemoryStore
from bus.connector.manifest import Connector
from bus.contract.schema import Contracts
from bus.dates import JAPAN, Uncertain
from bus.errors import Misconfigured
from bus.event import REMOVED, RESIDENT, Event
from bus.kit.hearing import INCARNATION, Ear, Told
from bus.movement.undo import never_resident
from bus.reading.law import Dated, Law
from bus.reading.lines import Lines, line
from bus.store import Delivery, Store

Image = dict[str, Any]
SPOKEN: Final = frozenset(
    {"person", "of", "key", "kind", "effective", "recorded", "supersedes"}
)  # beside an event's reason
SAID: Final = frozenset({"example", "date", "law", "events", "bus_review", "bus_parked"})  # beside the tables
PERSON: Final = "P1"


@dataclass(frozen=True)
class Example:
    """A situation and what the department then holds; tables that are not named are not looked at."""

    name: str
    line: int
    date: date
    events: tuple[Mapping[str, Any], ...]
    expected: Mapping[str, Sequence[Mapping[str, Any]]]
    reviews: Sequence[Mapping[str, Any]] = ()
    parked: Sequence[Mapping[str, Any]] = ()
    law: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class State:
    """What a department holds after some records."""

    tables: dict[str, list[dict[str, Any]]]
    reviews: list[dict[str, str]]
    parked: list[dict[str, str]]
    kept: dict[str, list[dict[str, Any]]]  # those of the tables that are kept


def read(folder: Path) -> list[Example]:
    """The examples of a connector's folder. Raises Misconfigured with every mistake."""
    lines = Lines(folder / "examples.yaml")
    lines.check()
    found = []
    for index, given in enumerate(lines.content or ()):
        if not isinstance(given, dict) or not {"example", "events", "date"} <= set(given):
            lines.mistake(lines.content, index, "an example needs example, date and events")
            continue
        for number, event in enumerate(given["events"]):
            reasons = [key for key in event if key.isupper()]
            if len(reasons) != 1 or set(event) - SPOKEN - set(reasons):
                what = f"an event is its REASON, and may have {', '.join(sorted(SPOKEN))}"
                lines.mistake(given["events"], number, what)
        found.append(
            Example(
                name=given["example"],
                line=line(given),
                date=given["date"],
                events=tuple(given["events"]),
                expected={key: rows or () for key, rows in given.items() if key not in SAID},
                reviews=given.get("bus_review") or (),
                parked=given.get("bus_parked") or (),
                law=given.get("law") or {},
            )
        )
    lines.check()
    return found


class Stage:
    """Where a connector's examples are played."""

    def __init__(self, connector: Connector, topology: Any, contracts: Contracts) -> None:
        self.connector = connector
        self.topology = topology
        self.contracts = contracts
        self.stanza = topology.subscriptions[connector.id]
        self.reasons = {
            of: _reasons(*(contracts.schemas / "codes" / f"{name}.yaml" for name in names))
            for of, names in {True: ("reason", "duty"), False: ("fact_reason",)}.items()
        }
        self.ears = {entity: Ear(connector, topology, contracts, entity) for entity in connector.views}

    def under(self, law: Mapping[str, Any]) -> Stage:
        """The same stage under another law: a parameter that is read two ways."""
        if not law:
            return self
        unknown = set(law) - set(self.connector.law.parameters)
        if unknown:
            raise Misconfigured(f"law.{min(unknown)} is not a parameter: see connectors/law.yaml")
        changed = {name: (Dated(date.min, None, value, "example"),) for name, value in law.items()}
        other = Law(self.connector.law.parameters | changed)
        views = {entity: replace(view, law=other) for entity, view in self.connector.views.items()}
        return Stage(replace(self.connector, law=other, views=views), self.topology, self.contracts)

    # What the register and the other departments say

    def events(self, example: Example) -> list[Told]:
        told: list[Told] = []
        for number, given in enumerate(example.events, 1):
            told.append(self.event(example, number, given, told))
        return told

    def event(self, example: Example, number: int, given: Mapping[str, Any], told: Sequence[Told]) -> Told:
        entity = given.get("of", RESIDENT)
        if entity not in self.ears:
            raise Misconfigured(f"{entity} is not granted: see reads in topology.yaml")
        reason = next(key for key in given if key.isupper())
        known = self.reasons[entity == RESIDENT].get(reason, {})
        key = given.get("person", PERSON) if entity == RESIDENT else given.get("key", f"{entity.partition('.')[0]}/1")
        mine = [one.event for one in told if (one.entity, one.event.key) == (entity, key)]
        last = mine[-1] if mine else None
        kind = given.get("kind") or known.get("kind", "AMEND")
        if given.get("supersedes") and known.get("corrects"):
            kind = given.get("kind", "CORRECT")
        undone = _superseded(kind, given.get("supersedes"), [one.event for one in told], mine)
        recorded = given.get("recorded", example.date)
        base = _restored(entity, last, undone, kind, recorded) if last else self.blank(entity)
        event = Event(
            id=event_id(example.name, number),
            kind=kind,
            reason=reason,
            key=key,
            version=(last.version if last else 0) + (kind not in ("RESYNC", "CLOCK") or last is None),
            effective=Uncertain.from_json(given.get("effective", recorded)),
            recorded=datetime.combine(recorded, time(9), JAPAN).astimezone(UTC) + timedelta(minutes=number),
            data=self.merge(entity, base, _standing(entity, kind, undone, given[reason] or {})),
            supersedes=undone.id if undone else None,
            before=last.data if last else None,
            before_recorded=last.recorded if last else None,
            undoes=_changed(undone) if undone else (),
        )
        return Told(entity, event)

    def blank(self, entity: str = RESIDENT) -> Image:
        kinds = self.ears[entity].kinds
        return self.nest({path: False if kind == "bool" else None for path, kind in kinds.items()})

    def merge(self, entity: str, base: Mapping[str, Any], said: Mapping[str, Any]) -> Image:
        """What is not said stays as it was."""
        kinds = self.ears[entity].kinds
        flat = _flat(base) | {path: _cell(kinds[path], value) for path, value in _spoken(kinds, said, entity)}
        return self.nest(flat)

    @staticmethod
    def nest(flat: Mapping[str, Any]) -> Image:
        image: Image = {}
        for path, value in flat.items():
            *groups, leaf = path.split(".")
            at = image
            for group in groups:
                at = at.setdefault(group, {})
            at[leaf] = value
        return image

    # What the department hears, and does

    def deliveries(self, told: Iterable[Told]) -> list[Delivery]:
        found: list[Delivery] = []
        for one in told:
            found += self.ears[one.entity].hear(one.event, len(found))
        return found

    def removal(self, delivery: Delivery) -> Delivery:
        """Whom the last delivery was about no longer concerns the department."""
        ear = next(ear for ear in self.ears.values() if ear.narrowed.topic == delivery.record.topic)
        key, version = (delivery.record.key or b"").decode(), delivery.version + 1
        head = (event_id("removal", version), key, version, delivery.recorded + 1, REMOVED)
        return ear.delivery(ear.narrowed.encode_narrowed(*head, None, incarnation=INCARNATION), 0)

    def play(self, deliveries: Sequence[Delivery], store: Store | None = None) -> State:
        store = store or MemoryStore()
        store.prepare(self.connector.tables)
        store.claim(self.connector.id, "example")
        for delivery in deliveries:
            store.apply(self.connector.id, [delivery], {(delivery.record.topic, 0): delivery.record.offset + 1})
        reviews = {
            (delivery.id, why): {"person": delivery.key, "why": why}
            for delivery in deliveries
            for why in delivery.reviews
        }
        tables = {
            table.name: [
                dict(zip((column.name for column in table.columns), row, strict=True)) for row in store.rows(table.name)
            ]
            for table in self.connector.tables
        }
        parked = [{"person": one.key, "code": one.code} for one in store.parked(self.connector.id)]
        kept = {table.name: tables[table.name] for table in self.connector.tables if table.kept}
        return State(tables, list(reviews.values()), parked, kept)

    def differences(self, example: Example, state: State) -> list[str]:
        """What the example says and the department does not hold, or holds beyond it."""
        wrong = [f"there is no table {name}" for name in example.expected if name not in state.tables]
        for name, expected in example.expected.items():
            wrong += _differ(name, [_with_ids(example, row) for row in expected], state.tables.get(name, []))
        wrong += _differ("bus_review", example.reviews, state.reviews)
        return wrong + _differ("bus_parked", example.parked, state.parked)


def event_id(name: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name}/{number}"))


def _reasons(*paths: Path) -> dict[str, Any]:
    """A duty of the calendar is of kind CLOCK."""
    known = {path.stem: YAML(typ="safe").load(path.read_text(encoding="utf-8")) for path in paths if path.exists()}
    clock = {"kind": "CLOCK"}
    return {e["reason"]: (clock | e if name == "duty" else e) for name, entries in known.items() for e in entries}


def _spoken(
    kinds: Mapping[str, str], said: Mapping[str, Any], entity: str, prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    for name, value in said.items():
        path = f"{prefix}{name}"
        if path in kinds:
            yield path, value
        elif isinstance(value, dict) and any(known.startswith(f"{path}.") for known in kinds):
            yield from _spoken(kinds, value, entity, f"{path}.")
        else:
            raise Misconfigured(f"{path} is not a field of {entity}")


def _cell(kind: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if kind == "uncertain":
        return Uncertain.from_json(value)
    if kind == "list":
        return [dict(one) for one in value]
    return int(value) if kind == "int" else str(value)


def _standing(entity: str, kind: str, undone: Event | None, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """A fact stands until it is ended, or its beginning annulled; that is set by what is said, not by who says it."""
    if entity == RESIDENT or "active" in said:
        return said
    ended = kind == "END" or (kind == "ANNUL" and undone is not None and undone.before is None)
    if kind == "REGISTER" or ended:
        return {**said, "active": not ended}
    return said


def _superseded(kind: str, number: int | None, told: Sequence[Event], mine: Sequence[Event]) -> Event | None:
    """The event of that number; an annulment without one is of the person's last event that still stands."""
    if number is not None:
        return told[number - 1]
    if kind != "ANNUL":
        return None
    gone = {event.supersedes for event in mine if event.kind == "ANNUL"}
    return next(event for event in reversed(mine) if event.id not in gone and event.kind not in ("ANNUL", "RESYNC"))


def _restored(entity: str, last: Event, undone: Event | None, kind: str, on: date) -> Mapping[str, Any]:
    """After an annulment: as it was before the annulled event, where that had changed something.

    What never was is still spoken of: a sheet is closed (bus/movement/undo.py), a fact says what it said
    (bus/fact/fold.py).
    """
    if undone is None or kind != "ANNUL":
        return last.data
    flat = _flat(last.data)
    if undone.before is None:
        closed = never_resident(Uncertain.on(on)) if entity == RESIDENT else {}
        return Stage.nest(flat | {path: value for path, value in closed.items() if path in flat})
    before = _flat(undone.before)
    for path in _changed(undone):
        flat[path] = before.get(path, False if isinstance(flat[path], bool) else None)
    return Stage.nest(flat)


def _changed(event: Event) -> tuple[str, ...]:
    before = _flat(event.before) if event.before else {}
    return tuple(
        path
        for path, value in _flat(event.data).items()
        if value != before.get(path, False if value is False else None)
    )


def _flat(image: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in image.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _with_ids(example: Example, row: Mapping[str, Any]) -> dict[str, Any]:
    """`event_id: 2` and `supersedes: 2` mean the second event of the example."""
    return {
        name: event_id(example.name, value) if name in ("event_id", "supersedes") and isinstance(value, int) else value
        for name, value in row.items()
    }


def _differ(name: str, expected: Sequence[Mapping[str, Any]], actual: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every expected row is part of exactly one row, and no row is left over."""
    left = list(actual)
    wrong = []
    for row in expected:
        match = next((one for one in left if all(key in one and one[key] == value for key, value in row.items())), None)
        if match is None:
            wrong.append(f"{name}: no row with {dict(row)}; there are {left}")
        else:
            left.remove(match)
    return wrong + [f"{name}: one more row, {row}" for row in left]
