"""What do the ports promise, without a network? Twins of the broker and the store that pass the same suites."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bus.broker import Message, Offsets, Record
from bus.change import Append, Row
from bus.connector.guard import Outcome, in_line, settle
from bus.errors import Fenced, Misconfigured, Refused, Reject
from bus.store import Again, Applied, Delivery, Owner, Parked, Progress, Seen, Table, in_order

MAX_BYTES = 1_000_000  # of a record, as Kafka's topics are set up


@dataclass(slots=True)
class _Ownership:
    holder: str
    epoch: int = 1
    renewed: float = field(default_factory=time.time)
    paused: str = ""
    stopped: str = ""
    applied: int = 0
    stale: int = 0
    fenced: int = 0
    last: datetime | None = None


@dataclass
class MemoryDatabase:
    """What outlives the stores that were opened on it."""

    tables: dict[str, Table] = field(default_factory=dict)
    kept: dict[str, dict[str, tuple[Row, ...]]] = field(default_factory=dict)
    appended: dict[str, dict[str, Row]] = field(default_factory=dict)
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)
    offsets: dict[str, dict[tuple[str, int], int]] = field(default_factory=dict)
    parked: dict[tuple[str, str], list[Parked]] = field(default_factory=dict)
    reviews: list[tuple[str, str, str, str]] = field(default_factory=list)
    owners: dict[str, _Ownership] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


class MemoryStore:
    def __init__(self, database: MemoryDatabase | None = None) -> None:
        self.database = database or MemoryDatabase()
        self._epochs: dict[str, int] = {}

    def prepare(self, tables: Sequence[Table]) -> None:
        for table in tables:
            self.database.tables[table.name] = table
            (self.database.kept if table.kept else self.database.appended).setdefault(table.name, {})

    def claim(self, connector: str, holder: str) -> int:
        with self.database.lock:
            owner = self.database.owners.setdefault(connector, _Ownership(holder, epoch=0))
            owner.holder, owner.epoch, owner.renewed, owner.stopped = holder, owner.epoch + 1, time.time(), ""
            self._epochs[connector] = owner.epoch
            return owner.epoch

    def renew(self, connector: str) -> None:
        self._owned(connector).renewed = time.time()

    def resign(self, connector: str, why: str = "") -> None:
        owner = self.database.owners.get(connector)
        if owner and owner.epoch == self._epochs.pop(connector, 0):
            owner.renewed, owner.stopped = 0.0, why

    def owner(self, connector: str) -> Owner | None:
        owner = self.database.owners.get(connector)
        if owner is None:
            return None
        renewed = datetime.fromtimestamp(owner.renewed, UTC)
        return Owner(owner.holder, owner.epoch, renewed, time.time() - owner.renewed, owner.paused, owner.stopped)

    def pause(self, connector: str, why: str) -> None:
        if connector not in self.database.owners:
            raise Misconfigured(f"{connector} has never run here", code="CONNECTOR_UNKNOWN")
        self.database.owners[connector].paused = why

    def _owned(self, connector: str) -> _Ownership:
        owner = self.database.owners.get(connector)
        if owner is None or owner.epoch != self._epochs.get(connector):
            if owner:
                owner.fenced += 1
            raise Fenced(f"another process owns {connector}", hint="it goes on from the same place; this one stops")
        return owner

    def apply(
        self, connector: str, deliveries: Sequence[Delivery], upto: Offsets, again: Again | None = None
    ) -> Applied:
        with self.database.lock:
            owner = self._owned(connector)
            keys = {delivery.key for delivery in deliveries}
            _accept([(topic,) for topic, _ in upto])
            outcome = settle(deliveries, self._seen(connector, keys), self._waiting(connector, keys), again)
            self._write(connector, outcome)
            self.database.offsets.setdefault(connector, {}).update(upto)
            owner.renewed, owner.last = time.time(), datetime.now(UTC)
        return outcome.applied

    def release(self, connector: str, key: str, again: Again) -> Applied:
        done = Applied()
        while waiting := self._waiting(connector, [key]):
            with self.database.lock:
                outcome = Outcome(self._seen(connector, [key]), waiting)
                if not outcome.retry(in_line(waiting[key])[0], again):
                    break
                self._write(connector, outcome)
            done.add(outcome.applied)
        return done

    def _write(self, connector: str, outcome: Outcome) -> None:
        """Everything that can fail comes first: a transaction without a rollback."""
        rows = {name: self._standing(name, appends) for name, appends in outcome.appends.items()}
        _accept([row for keeps in outcome.keeps.values() for left in keeps.values() for row in left])
        for name, keeps in outcome.keeps.items():
            for key, left in keeps.items():
                if left:
                    self.database.kept[name][key] = tuple(tuple(row) for row in left)
                else:
                    self.database.kept[name].pop(key, None)
        for name, added in rows.items():
            self.database.appended[name].update(added)
        for key in outcome.moved:
            self.database.seen[connector, key] = outcome.seen[key]
        now = datetime.now(UTC)
        for key, queue in outcome.waiting.items():
            self.database.parked[connector, key] = [
                entry._replace(since=now) if (key, entry.seq) in outcome.parked else entry for entry in queue
            ]
        self.database.reviews += [(connector, *review) for review in outcome.reviews]
        owner = self.database.owners[connector]
        owner.applied += outcome.applied.fresh + outcome.applied.released
        owner.stale += outcome.applied.stale

    def _standing(self, name: str, appends: Sequence[Append]) -> dict[str, Row]:
        there, added = self.database.appended[name], dict[str, Row]()
        for append in appends:
            if append.follows is None or append.follows in there or append.follows in added:
                if append.row[0] in there or append.row[0] in added:
                    raise Reject("the event is in the table already", code="DATA")
                added[append.row[0]] = tuple(append.row)
        _accept(list(added.values()))
        return added

    def _seen(self, connector: str, keys: set[str] | Sequence[str]) -> dict[str, Seen]:
        known = self.database.seen
        return {key: known[connector, key] for key in keys if (connector, key) in known}

    def _waiting(self, connector: str, keys: set[str] | Sequence[str]) -> dict[str, list[Parked]]:
        return {key: list(queue) for key in keys if (queue := self.database.parked.get((connector, key)))}

    def offsets(self, connector: str) -> Offsets:
        return dict(self.database.offsets.get(connector, {}))

    def parked(self, connector: str, key: str | None = None) -> Sequence[Parked]:
        queues = [
            queue
            for (owner, one), queue in sorted(self.database.parked.items())
            if owner == connector and key in (None, one)
        ]
        return [entry for queue in queues for entry in queue]

    def progress(self, connector: str) -> Progress:
        owner = self.database.owners.get(connector) or _Ownership("")
        persons = sum(1 for one, _ in self.database.seen if one == connector)
        held = len({entry.key for entry in self.parked(connector)})
        reviews = sum(1 for one, *_ in self.database.reviews if one == connector)
        return Progress(persons, owner.applied, owner.stale, owner.fenced, held, reviews, owner.last)

    def rows(self, table: str) -> Sequence[Row]:
        if self.database.tables[table].kept:
            return in_order([row for rows in self.database.kept[table].values() for row in rows])
        return in_order(list(self.database.appended[table].values()))

    def close(self) -> None:
        """Nothing is open."""


def _accept(rows: Sequence[Row]) -> None:
    """As strict as the strictest database."""
    for row in rows:
        if row[0] is None or any(isinstance(cell, str) and "\0" in cell for cell in row):
            raise Reject("the database refuses this data", code="DATA")


class MemoryBroker:
    """Topics of a fixed number of partitions; a log each. `lose` forgets its beginning, as retention does."""

    def __init__(self, topics: Mapping[str, int]) -> None:
        self.logs: dict[tuple[str, int], list[Record]] = {
            (t, p): [] for t, count in topics.items() for p in range(count)
        }
        self.begins: dict[tuple[str, int], int] = dict.fromkeys(self.logs, 0)
        self._counts = dict(topics)
        self.committed: dict[str, dict[tuple[str, int], int]] = {}

    def publish(self, messages: Sequence[Message]) -> None:
        for index, message in enumerate(messages):
            if len(message.key) + len(message.value or b"") > MAX_BYTES:
                reject = Reject("the record is larger than the broker takes", code="RANGE", where=message.topic)
                reject.index = index
                raise reject
        now = int(time.time() * 1000)
        for message in messages:
            partition = (
                message.partition if message.partition >= 0 else murmur2(message.key) % self._counts[message.topic]
            )
            log = self.logs[message.topic, partition]
            place = (message.topic, partition, len(log))
            log.append(Record(*place, message.key, message.value, tuple(message.headers), now))

    def subscribe(self, group: str, topics: Sequence[str], start: Offsets) -> MemorySubscription:
        if unknown := [topic for topic in topics if topic not in self._counts]:
            raise Misconfigured("there is no such topic", code="TOPIC_UNKNOWN", where=unknown[0])
        places = [place for place in self.logs if place[0] in topics]
        return MemorySubscription(self, group, {place: start.get(place, self.begins[place]) for place in places})

    def ends(self, topics: Sequence[str]) -> Offsets:
        return {place: len(log) for place, log in self.logs.items() if place[0] in topics}

    def lose(self, topic: str, partition: int, before: int) -> None:
        self.begins[topic, partition] = before

    def close(self) -> None:
        """Nothing is open."""


class MemorySubscription:
    def __init__(self, broker: MemoryBroker, group: str, start: dict[tuple[str, int], int]) -> None:
        self._broker, self._group, self._next = broker, group, start

    def poll(self, limit: int, wait: float) -> Sequence[Record]:
        found: list[Record] = []
        for place, following in self._next.items():
            if following < self._broker.begins[place]:
                raise Refused("these records are no longer there", code="OFFSET_GONE", where=f"{place[0]}/{place[1]}")
            more = self._broker.logs[place][following : following + limit - len(found)]
            self._next[place] = following + len(more)
            found += more
        if not found:
            time.sleep(min(wait, 0.01))
        return found

    def position(self) -> Offsets:
        return dict(self._next)

    def seek(self, offsets: Offsets) -> None:
        self._next.update(offsets)

    def commit(self, offsets: Offsets) -> None:
        self._broker.committed.setdefault(self._group, {}).update(offsets)

    def close(self) -> None:
        """Nothing is open."""


def murmur2(key: bytes) -> int:
    """Kafka's hash of a key, made positive: the partition is this modulo their number."""
    mask, mixer = 0xFFFFFFFF, 0x5BD1E995
    value = (0x9747B28C ^ len(key)) & mask
    for at in range(0, len(key) & ~3, 4):
        part = int.from_bytes(key[at : at + 4], "little") * mixer & mask
        value = (value * mixer & mask) ^ ((part ^ part >> 24) * mixer & mask)
    if tail := key[len(key) & ~3 :]:
        value = (value ^ int.from_bytes(tail, "little")) * mixer & mask
    value = (value ^ value >> 13) * mixer & mask
    return (value ^ value >> 15) & 0x7FFFFFFF
