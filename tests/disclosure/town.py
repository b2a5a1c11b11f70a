"""A town for the tests of disclosure: subscriptions, images by path, canonical records as the relay writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from bus.broker import Message, Record
from bus.contract import framing
from bus.contract.schema import Contract, Contracts
from bus.dates import Uncertain
from bus.disclosure.audience import Audience, audiences
from bus.event import Event

SCHEMAS = Path(__file__).parents[2] / "schemas"
ENTITY = "juki.resident"
BEGAN = datetime(2026, 4, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Topic:
    schema: str = "juki/resident.1"


@dataclass(frozen=True)
class Stanza:
    id: str
    reads: Mapping[str, tuple[str, ...]]
    concerns: Mapping[str, str] = field(default_factory=dict)
    clock: tuple[str, ...] = ()
    sees_protected: str | None = None
    purpose: str = "a purpose"
    statute: str = "an article"


@dataclass(frozen=True)
class Town:
    subscriptions: Mapping[str, Stanza]
    town: str = "999999"
    topics: Mapping[str, Any] = field(default_factory=lambda: {ENTITY: Topic()})

    def canonical(self, entity: str) -> str:
        return f"{self.town}.{entity}.v1"

    def narrowed(self, subscription: str, entity: str) -> str:
        return f"{self.town}.{subscription.replace('_', '-')}.in.{entity}.v1"


def _stanza(name: str, *paths: str, **more: Any) -> Stanza:
    return Stanza(name, {ENTITY: paths}, **more)


TOWN = Town(
    {
        stanza.id: stanza
        for stanza in (
            _stanza("zei", "name.full", "birth", "is_resident", "address.town_code", "address.lot"),
            _stanza(
                "shugaku",
                "birth",
                "address.town_code",
                "is_resident",
                concerns={ENTITY: "is_child()"},
                clock=("SHUGAKU", "NENDOMATSU_15"),
            ),
            _stanza("fukushi", "name.full", "address", "protection.level", sees_protected="an article"),
            _stanza("idou", "household.no", "address.since", "movement.reason_code", "previous.lot"),
            _stanza("meibo", "name.full"),
        )
    }
)
CONTRACTS = Contracts.provisional(SCHEMAS, TOWN)
CANONICAL = CONTRACTS.canonical(ENTITY)


def is_child(image: Mapping[str, Any], on: date) -> bool:
    return image["birth"] is not None and image["birth"].earliest.year > on.year - 15


def audience(**rules: Any) -> Audience:
    given = {"shugaku": is_child} | rules
    return audiences(TOWN, CONTRACTS, lambda name, _: given.get(name))[CANONICAL.topic]


def image(**cells: Any) -> dict[str, Any]:
    """Blank but for `cells`: address__lot="1" is address.lot."""
    blank: dict[str, Any] = {}
    for path in CANONICAL.paths:
        put(blank, path, True if path == "is_resident" else None)
    return changed(blank, **cells)


def changed(old: dict[str, Any], **cells: Any) -> dict[str, Any]:
    new = deepcopy(old)
    for path, value in cells.items():
        put(new, path.replace("__", "."), value)
    return new


def put(image: dict[str, Any], path: str, value: Any) -> None:
    *groups, leaf = path.split(".")
    for group in groups:
        image = image.setdefault(group, {})
    image[leaf] = value


@dataclass
class Person:
    """Speaks versions in order, each with the image before it."""

    key: str
    number: int = 0
    version: int = 0
    before: dict[str, Any] | None = None
    at: datetime = BEGAN

    def says(self, after: dict[str, Any], kind: str = "AMEND", **more: Any) -> Event:
        self.version += 1
        event = Event(
            id=str(UUID(int=self.number << 32 | self.version)),
            kind=kind,
            reason="TENKYO",
            key=self.key,
            version=self.version,
            effective=Uncertain.on(date(2026, 4, 1)),
            recorded=self.at,
            data=after,
            before=self.before,
            before_recorded=self.at - timedelta(days=1) if self.before else None,
            **more,
        )
        self.before = after
        self.at += timedelta(days=1)
        return event


def message(event: Event, partition: int = 0, contract: Contract = CANONICAL) -> Message:
    value = contract.encode(event, town=contract.town, incarnation="1")
    headers = framing.headers(contract, id=event.id, recorded=event.recorded, value=value)
    return Message(contract.topic, event.key.encode(), value, headers, partition)


def record(event: Event, contract: Contract = CANONICAL) -> Record:
    said = message(event, contract=contract)
    return Record(said.topic, 0, 0, said.key, said.value, said.headers)


def records(log: Sequence[Record], subscription: str) -> Iterator[dict[str, Any]]:
    """What a department's topic says, decoded."""
    contract = CONTRACTS.narrowed(subscription, ENTITY)
    for record in log:
        framing.check(record, contract)
        yield contract.read(record.value)


def canaries(found: Sequence[Record], wanted: Sequence[str]) -> list[str]:
    """Which of these texts stand anywhere in the records: key, value, headers, as bytes."""
    haystack = b"\0".join(
        part
        for record in found
        for part in (
            record.key or b"",
            record.value or b"",
            *(piece for name, value in record.headers for piece in (name.encode(), value or b"")),
        )
    )
    return [text for text in wanted if text.encode() in haystack]
