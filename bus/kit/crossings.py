"""What crossed the bus, in a town that runs? Asked of every department's database, and of the broker for the ages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from bus.adapters.sql.crossings import Heard, heard
from bus.broker import Broker, Offsets
from bus.connector.progress import age, unread
from bus.errors import BusError, Unavailable
from bus.fleet.flows import Flows, load
from bus.fleet.model import Crossing, document
from bus.kit.standing import Upstream, upstream
from bus.wiring import Wiring

AT_ONCE = 6  # departments asked at the same time


def fleet(wiring: Wiring) -> dict[str, Any]:
    """The document of `bus fleet check`."""
    flows = load(wiring.settings.project / "schemas" / "flows.yaml")
    return document(
        flows,
        crossings(wiring, flows),
        connectors=connectors(wiring),
        published=published(wiring, flows),
        town=wiring.topology.town,
        at=datetime.now(UTC),
    )


def connectors(wiring: Wiring) -> Collection[str]:
    return {path.parent.name for path in (wiring.settings.project / "connectors").glob("*/connector.yaml")}


def crossings(wiring: Wiring, flows: Flows) -> list[Crossing]:
    above = upstream(wiring) if wiring.settings.bootstrap else None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda system: _of(wiring, system, flows.heard(system), above), flows.systems)
        return [crossing for one in found for crossing in one]


def _of(wiring: Wiring, subscription: str, entities: Sequence[str], above: Upstream | None) -> list[Crossing]:
    dsn = wiring.settings.departments.get(subscription)
    topics = {entity: topic for entity in entities if (topic := _narrowed(wiring, subscription, entity))}
    try:
        told = heard(dsn, subscription, entities) if dsn else None
    except BusError:
        told = None
    if told is None:
        return [Crossing(subscription, entity, None, None, None) for entity in entities]
    before = None if above is None else above.before(topics)
    ages = {} if before is None else _ages(wiring, subscription, list(topics.values()), told.offsets, before)
    return [_crossing(subscription, entity, topics.get(entity), told, ages) for entity in entities]


def _crossing(
    subscription: str, entity: str, topic: str | None, told: Heard, ages: Mapping[str, float | None]
) -> Crossing:
    """A position without an offset of the topic did not come over the bus."""
    last = told.last.get(topic) if topic else None
    return Crossing(subscription, entity, told.counts[entity] if last else 0, last, ages.get(topic) if topic else None)


def _narrowed(wiring: Wiring, subscription: str, entity: str) -> str | None:
    topology = wiring.topology
    granted = topology.subscriptions.get(subscription)
    return topology.narrowed(subscription, entity) if granted is not None and entity in granted.reads else None


def _ages(
    wiring: Wiring, subscription: str, topics: Sequence[str], offsets: Offsets, before: list[datetime | None]
) -> dict[str, float | None]:
    """Of each topic; of all at once when nothing is unread, which is the rule."""
    group = wiring.topology.subscriptions[subscription].group if topics else ""
    now = datetime.now(UTC)
    try:
        with closing(wiring.broker(subscription)) as broker:
            if topics and unread(broker, group, topics, offsets).records == 0:
                return dict.fromkeys(topics, round(age(now, before), 3))
            return {topic: _age(broker, group, topic, offsets, before) for topic in topics}
    except BusError:
        return {}


def _age(broker: Broker, group: str, topic: str, offsets: Offsets, before: Iterable[datetime | None]) -> float | None:
    try:
        return round(age(datetime.now(UTC), [unread(broker, group, [topic], offsets).oldest, *before]), 3)
    except BusError:
        return None


def published(wiring: Wiring, flows: Flows) -> dict[str, int | None]:
    """Per entity, the records its producers ever wrote to its canonical topic."""
    topology = wiring.topology
    entities = {entity for system in flows.systems for entity in flows.published(system)} & topology.topics.keys()
    found: dict[str, int | None] = {}
    try:
        with closing(wiring.broker("admin")) as broker:
            for entity in sorted(entities):
                found[entity] = _written(broker, topology.canonical(entity))
    except BusError:
        return found
    return found


def _written(broker: Broker, topic: str) -> int | None:
    try:
        return sum(broker.ends([topic]).values())
    except Unavailable:
        raise
    except BusError:
        return None
