"""How does what is said reach a department, in whatever order it is delivered? The real path, without a network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any, NamedTuple

from bus.adapters.memory import MemoryStore, murmur2
from bus.broker import Record
from bus.connector.intake import by_topic, intakes
from bus.contract import framing
from bus.contract.grant import protected_paths
from bus.disclosure.audience import Audience, audiences
from bus.disclosure.protect import hides
from bus.event import RESIDENT, Event
from bus.kit.hearing import INCARNATION
from bus.reconcile.compare import compare
from bus.reconcile.expected import Recomputation, Sight
from bus.store import Again, Applied, Store

from .hall import CITY, Hall

Said = Iterable[tuple[str, Event]]


@cache
def _audiences(hall: Hall) -> Mapping[str, Audience]:
    return audiences(hall.topology, hall.contracts, lambda name, of: hall.connector(name).views[of].concerns)


@cache
def intake(name: str, hall: Hall) -> Again:
    return by_topic(intakes(name, hall.connector(name).views, hall.contracts))


def tell(said: Said, hall: Hall = CITY) -> dict[str, list[Record]]:
    """department -> what it hears, in the order of speech: encoded by the source, narrowed by the projector."""
    heard: dict[str, list[Record]] = {name: [] for name in hall.names}
    offsets: dict[tuple[str, int], int] = defaultdict(int)
    for entity, event in said:
        if entity not in hall.topology.topics:
            continue
        contract = hall.contracts.canonical(entity)
        value = contract.encode(event, town=contract.town, incarnation=INCARNATION)
        headers = framing.headers(contract, id=event.id, recorded=event.recorded, value=value)
        partition = murmur2(event.key.encode()) % hall.topology.topics[entity].partitions
        spoken = Record(contract.topic, partition, 0, event.key.encode(), value, headers)
        for hearing, _, message in _audiences(hall)[contract.topic].tell(spoken):
            place = (message.topic, partition)
            record = Record(message.topic, partition, offsets[place], message.key, message.value, message.headers)
            heard[hearing.id].append(record)
            offsets[place] += 1
    return heard


class State(NamedTuple):
    """All that a department holds."""

    tables: dict[str, tuple]
    parked: tuple
    reviews: tuple

    def differs(self, other: State) -> list[str]:
        wrong = [name for name, rows in self.tables.items() if rows != other.tables[name]]
        return wrong + [what for what in ("parked", "reviews") if getattr(self, what) != getattr(other, what)]


def fresh(name: str, hall: Hall) -> MemoryStore:
    store = MemoryStore()
    store.prepare(hall.connector(name).tables)
    store.claim(name, "test")
    return store


def apply(
    name: str, batches: Iterable[Sequence[Record]], hall: Hall = CITY, total: Applied | None = None
) -> MemoryStore:
    """Into an empty database; what was done is added to `total`."""
    store, read = fresh(name, hall), intake(name, hall)
    for records in batches:
        upto = {(record.topic, record.partition): record.offset + 1 for record in records}
        applied = store.apply(name, [read(record) for record in records], upto, read)
        if total is not None:
            total.add(applied)
    return store


def state(name: str, store: MemoryStore, hall: Hall = CITY) -> State:
    tables = {table.name: tuple(store.rows(table.name)) for table in hall.connector(name).tables}
    parked = tuple(sorted((one.key, one.version, one.event_id, one.code) for one in store.parked(name)))
    return State(tables, parked, tuple(sorted(set(store.database.reviews))))


def clean(name: str, records: Sequence[Record], hall: Hall = CITY) -> State:
    return state(name, apply(name, [records], hall), hall)


# Any order


def shuffled(records: Sequence[Record], chance: Random) -> list[list[Record]]:
    """The partitions in any order, one against the other; batches of any size; now and then some of it once more."""
    places: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in records:
        places[record.topic, record.partition].append(record)
    following = dict.fromkeys(places, 0)
    dealt: list[list[Record]] = []
    while left := [place for place, number in following.items() if number < len(places[place])]:
        batch: list[Record] = []
        for _ in range(chance.randrange(1, 9)):
            place = chance.choice(left)
            at, log = following[place], places[place]
            if chance.random() < 0.2:  # read again from somewhere before
                batch += log[max(0, at - chance.randrange(1, 4)) : at]
            batch += log[at : at + 1]
            following[place] = min(at + 1, len(log))
        dealt.append(batch)
    return dealt


def broken(read: Again, records: Sequence[Record], chance: Random) -> tuple[list[list[Record]], int]:
    """One person's or fact's record comes after its next one, as no broker does it; how often that was possible.

    A gap shows where the version after the next one comes behind something that was applied. Of the first record of
    all, of one that ends in a removal, and of a day of the calendar (which is no version), nobody could tell.
    """
    order, late = list(records), 0
    by_key: dict[bytes, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        by_key[record.topic.encode() + b"/" + (record.key or b"")].append(index)
    for places in by_key.values():
        heard = [read(records[index]) for index in places]
        fits = [
            n
            for n in range(1, len(heard) - 1)
            if heard[n].version == heard[n - 1].version + 1 and heard[n + 1].version == heard[n].version + 1
            and heard[n - 1].mode != "REMOVED" and not any(one.reject for one in heard[: n + 2])
        ]  # fmt: skip
        if fits:
            n = chance.choice(fits)
            order[places[n]], order[places[n + 1]] = order[places[n + 1]], order[places[n]]
            late += 1
    return [[record] for record in order], late


# What it ought to be


def expected(name: str, said: Said, store: Store, hall: Hall = CITY) -> list[Any]:
    """Tables that differ from what is recomputed from the sources' histories; who waits for a decision is left out."""
    histories: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for entity, event in said:
        histories[entity, event.key].append(event)
    parked = {(one.record.topic, (one.record.key or b"").decode()) for one in store.parked(name)}
    tables: dict[str, dict] = {table.name: {} for table in hall.connector(name).tables}
    held: dict[str, set[str]] = {table: set() for table in tables}
    for entity, view in hall.connector(name).views.items():
        stanza, contract = hall.topology.subscriptions[name], hall.contracts.canonical(entity)
        hidden = frozenset() if stanza.sees_protected else hides(contract.image)
        narrowed = hall.contracts.narrowed(name, entity)
        sight = Sight(narrowed.paths, hidden, hiding=bool(protected_paths(contract.image)))
        fold = Recomputation(view, sight, clock=stanza.clock if entity == RESIDENT else ())
        waiting: set[str] = set()
        for (of, key), history in histories.items():
            if of == entity:
                fold.tell(history)
                if (narrowed.topic, key) in parked:
                    waiting |= {key, *(event.id for event in history)}
        for table, rows in fold.found.tables.items():
            tables[table] |= rows
            held[table] |= waiting
    return [
        finding.as_dict() for finding in compare(hall.connector(name).tables, tables, store, held) if not finding.equal
    ]
