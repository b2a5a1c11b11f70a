"""What did a department agree to? Its examples.yaml, told through the whole path in memory."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML

from bus.adapters.memory import MemoryStore
from bus.broker import Record
from bus.connector.guard import digest
from bus.connector.manifest import ENTITY, Connector, leaf_types
from bus.contract import framing
from bus.contract.schema import Contracts
from bus.dates import JAPAN, Uncertain
from bus.disclosure.audience import Audience, audiences
from bus.errors import Misconfigured, Reject
from bus.event import REMOVED, Event
from bus.language.law import Dated, Law
from bus.language.lines import Lines, line
from bus.store import Delivery, Store

Image = dict[str, Any]
SPOKEN: Final = frozenset({"person", "kind", "effective", "recorded", "supersedes"})  # beside an event's reason
SAID: Final = frozenset({"example", "date", "law", "events", "bus_review", "bus_parked"})  # beside the tables
PERSON: Final = "P1"
INCARNATION: Final = str(uuid.uuid5(uuid.NAMESPACE_OID, "examples"))


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


class Alone(NamedTuple):
    """A topology with one subscription."""

    topics: Mapping[str, Any]
    subscriptions: Mapping[str, Any]


@dataclass
class State:
    """What a department holds after some records."""

    tables: dict[str, list[dict[str, Any]]]
    reviews: list[dict[str, str]]
    parked: list[dict[str, str]]


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
    """Where a connector's examples are played: the contracts, the disclosure and the connector, as in operation."""

    def __init__(self, connector: Connector, topology: Any, contracts: Contracts) -> None:
        self.connector = connector
        self.canonical = contracts.canonical(ENTITY)
        self.narrowed = contracts.narrowed(connector.id, ENTITY)
        self.decode = self.narrowed.decoder(connector.paths)
        self.topology = topology
        self.contracts = contracts
        self.reasons = _reasons(contracts.schemas / "codes" / "reason.yaml")
        self.kinds = leaf_types(self.canonical.image)

    def under(self, law: Mapping[str, Any]) -> Stage:
        """The same stage under another law: a parameter that is read two ways."""
        if not law:
            return self
        unknown = set(law) - set(self.connector.law.parameters)
        if unknown:
            raise Misconfigured(f"law.{min(unknown)} is not a parameter: see connectors/law.yaml")
        changed = {name: (Dated(date.min, None, value, "example"),) for name, value in law.items()}
        other = object.__new__(Stage)
        other.__dict__ = {name: value for name, value in self.__dict__.items() if name != "audience"} | {
            "connector": replace(self.connector, law=Law(self.connector.law.parameters | changed))
        }
        return other

    # What the register says

    def events(self, example: Example) -> list[Event]:
        told: list[Event] = []
        for number, given in enumerate(example.events, 1):
            told.append(self.event(example, number, given, told))
        return told

    def event(self, example: Example, number: int, given: Mapping[str, Any], told: Sequence[Event]) -> Event:
        reason = next(key for key in given if key.isupper())
        key = given.get("person", PERSON)
        mine = [event for event in told if event.key == key]
        last = mine[-1] if mine else None
        kind = given.get("kind") or self.reasons.get(reason, {}).get("kind", "AMEND")
        if given.get("supersedes") and self.reasons.get(reason, {}).get("corrects"):
            kind = given.get("kind", "CORRECT")
        undone = _superseded(kind, given.get("supersedes"), told, mine)
        base = _restored(last, undone, kind) if last else self.blank()
        recorded = given.get("recorded", example.date)
        return Event(
            id=event_id(example.name, number),
            kind=kind,
            reason=reason,
            key=key,
            version=(last.version if last else 0) + (kind not in ("RESYNC", "CLOCK") or last is None),
            effective=Uncertain.from_json(given.get("effective", recorded)),
            recorded=datetime.combine(recorded, time(9), JAPAN).astimezone(UTC) + timedelta(minutes=number),
            data=self.merge(base, given[reason] or {}),
            supersedes=undone.id if undone else None,
            before=last.data if last else None,
            before_recorded=last.recorded if last else None,
            undoes=_changed(undone) if undone else (),
        )

    def blank(self) -> Image:
        return self.nest({path: False if kind == "bool" else None for path, kind in self.kinds.items()})

    def merge(self, base: Mapping[str, Any], said: Mapping[str, Any]) -> Image:
        """What is not said stays as it was."""
        flat = _flat(base) | {path: self._cell(path, value) for path, value in self._spoken(said, "")}
        return self.nest(flat)

    def _spoken(self, said: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
        for name, value in said.items():
            path = f"{prefix}{name}"
            if path in self.kinds:
                yield path, value
            elif isinstance(value, dict) and any(known.startswith(f"{path}.") for known in self.kinds):
                yield from self._spoken(value, f"{path}.")
            else:
                raise Misconfigured(f"{path} is not a field of the resident")

    def _cell(self, path: str, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        return Uncertain.from_json(value) if self.kinds[path] == "uncertain" else str(value)

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

    def deliveries(self, events: Iterable[Event]) -> list[Delivery]:
        found: list[Delivery] = []
        for event in events:
            value = self.canonical.encode(event, town=self.canonical.town, incarnation=INCARNATION)
            headers = framing.headers(self.canonical, id=event.id, recorded=event.recorded, value=value)
            spoken = Record(self.canonical.topic, 0, 0, event.key.encode(), value, headers)
            for _, _, message in self.audience.tell(spoken):
                assert message.value is not None  # a tombstone is no way to say anything here
                found.append(self.delivery(message.value, len(found)))
        return found

    @cached_property
    def audience(self) -> Audience:
        """Of the whole town, only this department."""
        alone = Alone(self.topology.topics, {self.connector.id: self.topology.subscriptions[self.connector.id]})
        return audiences(alone, self.contracts, lambda _: self.connector.concerns)[self.canonical.topic]

    def delivery(self, value: bytes, offset: int) -> Delivery:
        row = self.decode(value)
        record = Record(self.narrowed.topic, 0, offset, row[1].encode(), value)
        delivery = Delivery(record, row[1], row[2], row[3], row[0], digest(record), row[4], row[5] or "")
        try:
            delivery.changes, delivery.reviews = self.connector.plan(row)
        except Reject as reject:
            delivery.reject = reject
        return delivery

    def removal(self, key: str, version: int, recorded: int) -> Delivery:
        """The person no longer concerns the department."""
        head = (event_id("removal", version), key, version, recorded, REMOVED)
        return self.delivery(self.narrowed.encode_narrowed(*head, None, incarnation=INCARNATION), 0)

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
        return State(tables, list(reviews.values()), parked)

    def differences(self, example: Example, state: State) -> list[str]:
        """What the example says and the department does not hold, or holds beyond it."""
        wrong = [f"there is no table {name}" for name in example.expected if name not in state.tables]
        for name, expected in example.expected.items():
            wrong += _differ(name, [_with_ids(example, row) for row in expected], state.tables.get(name, []))
        wrong += _differ("bus_review", example.reviews, state.reviews)
        return wrong + _differ("bus_parked", example.parked, state.parked)


def event_id(name: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name}/{number}"))


def _reasons(path: Path) -> dict[str, Any]:
    entries = YAML(typ="safe").load(path.read_text(encoding="utf-8")) if path.exists() else []
    return {entry["reason"]: entry for entry in entries}


def _superseded(kind: str, number: int | None, told: Sequence[Event], mine: Sequence[Event]) -> Event | None:
    """The event of that number; an annulment without one is of the person's last event that still stands."""
    if number is not None:
        return told[number - 1]
    if kind != "ANNUL":
        return None
    gone = {event.supersedes for event in mine if event.kind == "ANNUL"}
    return next(event for event in reversed(mine) if event.id not in gone and event.kind not in ("ANNUL", "RESYNC"))


def _restored(last: Event, undone: Event | None, kind: str) -> Mapping[str, Any]:
    """After an annulment: as it was before the annulled event, where that had changed something."""
    if undone is None or kind != "ANNUL":
        return last.data
    before = _flat(undone.before) if undone.before else {}
    flat = _flat(last.data)
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
