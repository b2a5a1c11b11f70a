"""How does what the register committed reach the canonical topic? Once at least, and per person in order."""

from __future__ import annotations

import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, Protocol

from bus import telemetry
from bus.broker import Broker, Message
from bus.contract import framing
from bus.contract.schema import Contract
from bus.errors import BusError, Fenced, Reject, Unavailable
from bus.register.cursor import Barrier, Batch, Row, Versions, disorder, reach

BATCH = 2_000
LEASE_SECONDS = 10.0
RENEW_SECONDS = 3.0  # also how soon a released person or a free shard is noticed
BUSY_SECONDS, IDLE_SECONDS = 0.005, 0.05
MAX_PAUSE_SECONDS = 5.0
MAX_BLOCKED = 20  # in a row: then it is not the events that are wrong

FINAL = frozenset({"VERSION_ORDER", "TOO_MANY_BLOCKED"})  # a shard that stopped for these waits for a new start
RELEASE = "RELEASE"  # the code by which an operator lets a blocked person go on


@dataclass(slots=True)
class Lease:
    """The right to speak for one shard. Every write of it is refused once another holder has a later epoch."""

    shard: int
    holder: str
    epoch: int
    cursor: int
    barrier: Barrier | None


class Blocked(NamedTuple):
    seq: int
    code: str


class OutboxSource(Protocol):
    """Port: the outbox of a register. Every method raises Unavailable; those that take a lease write under its epoch
    and raise Fenced, having written nothing, when it is no longer valid."""

    def claim(self, holder: str, lease_seconds: float) -> Sequence[Lease]:
        """Takes every shard that nobody holds, or whose holder is dead or silent for `lease_seconds`."""

    def read(self, shard: int, after: int, limit: int) -> Batch:
        """The next committed rows, in the order of their numbers: one statement, one snapshot."""

    def person(self, shard: int, whom: str, first: int, last: int) -> Sequence[Row]:
        """The rows of one person (Row.whom) from number `first` to `last`."""

    def versions(self, shard: int, whom: Sequence[str], upto: int) -> Mapping[str, int]:
        """The last version of each person up to number `upto`, as far as the outbox still holds one."""

    def renew(self, lease: Lease) -> None:
        """Says that the holder lives."""

    def bound(self, lease: Lease) -> Barrier:
        """Draws a new transaction id and stores it as the barrier of all numbers seen until now."""

    def advance(self, lease: Lease, cursor: int) -> None:
        """Stores that everything up to `cursor` is acknowledged, or blocked."""

    def blocked(self, shard: int) -> Mapping[str, Blocked]: ...

    def block(self, lease: Lease, key: str, seq: int, code: str) -> None: ...

    def unblock(self, lease: Lease, key: str) -> None: ...

    def release(self, lease: Lease) -> None:
        """Gives the shard back, so that another relay need not wait."""

    def idle(self) -> bool:
        """Whether no shard, whoever holds it, has a committed row behind its cursor."""


class Contracts(Protocol):
    """What the relay asks of contract/schema.py: the topic and the headers of an aggregate's events."""

    def canonical(self, entity: str) -> Contract: ...


@dataclass(slots=True)
class Shard:
    lease: Lease
    blocked: dict[str, Blocked]
    versions: Versions = field(default_factory=Versions)
    renewed: float = 0.0
    failures: int = 0
    retry: float = 0.0
    stopped: BusError | None = None


class Relay:
    """Holds as many shards as it can get. Used by one thread; `step` never waits for anything but its ports."""

    def __init__(
        self,
        source: OutboxSource,
        broker: Broker,
        contracts: Contracts,
        *,
        holder: str | None = None,
        name: str = "",
    ) -> None:
        """`name`: whose outbox it is, in metrics and log lines; of the register's nothing is said."""
        self.source = source
        self.broker = broker
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.shards: dict[int, Shard] = {}
        self.fenced = 0
        self._prefix = f"{name}-" if name else ""
        self._contract = cache(contracts.canonical)
        self._claim_at = 0.0
        self._full = False

    def run(
        self,
        *,
        until_idle: bool = False,
        patience: float = 60.0,
        idle: float = IDLE_SECONDS,
        stop: threading.Event | None = None,
    ) -> int:
        """Until stopped; or until nothing is left to say. Outages are waited for, with `until_idle` for `patience`.

        `idle`: seconds until an outbox with nothing in it is looked at again.
        """
        published, good, stop = 0, time.monotonic(), stop or threading.Event()
        try:
            while not stop.is_set():
                count = self.step()
                published += count
                now = time.monotonic()
                if count or not any(shard.failures for shard in self.shards.values()):
                    good = now
                self._give_up(until_idle and not count, now - good > patience)
                if until_idle and not count and self._idle():
                    return published
                if not self._full:
                    stop.wait(BUSY_SECONDS if count else idle)
            return published
        finally:
            self.close()

    def step(self) -> int:
        """One batch of every shard; the number of events that were acknowledged."""
        self._claim()
        self._full = False
        return sum(self._guarded(shard) for shard in list(self.shards.values()))

    def close(self) -> None:
        """Gives the shards back; whoever comes next need not wait for the leases to run out."""
        for shard in self.shards.values():
            try:
                self.source.release(shard.lease)
            except Unavailable:
                break
        self.shards.clear()

    def _give_up(self, is_last: bool, impatient: bool) -> None:
        """Raises what stopped a shard: once no other has anything to say, or when none is left to go on."""
        stopped = [shard.stopped for shard in self.shards.values() if shard.stopped]
        for_good = [error for error in stopped if error.code in FINAL]
        if stopped and (is_last or len(for_good) == len(self.shards)):
            raise stopped[0]
        if is_last and impatient:
            raise Unavailable(
                "the relay cannot go on: a dependency is away", code="RELAY_WAITS", hint="`bus status` says which"
            )

    def _idle(self) -> bool:
        try:
            return self.source.idle()
        except Unavailable:
            return False

    def _claim(self) -> None:
        if (now := time.monotonic()) < self._claim_at:
            return
        self._claim_at = now + RENEW_SECONDS / 3
        try:
            for lease in self.source.claim(self.holder, LEASE_SECONDS):
                self.shards[lease.shard] = Shard(lease, dict(self.source.blocked(lease.shard)), renewed=now)
                telemetry.lease_claimed(f"relay-{self._prefix}{lease.shard}", lease.epoch)
        except Unavailable as error:
            telemetry.dependency_unavailable(f"{self._prefix}register", error.code)

    def _guarded(self, shard: Shard) -> int:
        if time.monotonic() < shard.retry:
            return 0
        number = shard.lease.shard
        try:
            count = self._shard(shard)
        except Fenced:
            self.fenced += 1
            self.shards.pop(number, None)
            telemetry.relay_fenced(self._named(number))
            return 0
        except Unavailable as error:
            shard.failures += 1
            shard.retry = time.monotonic() + min(MAX_PAUSE_SECONDS, 0.1 * 2**shard.failures)
            telemetry.dependency_unavailable(f"{self._prefix}relay", error.code)
            return 0
        except BusError as error:  # denied, no such topic: tried again, for an operator may cure it; disorder is not
            shard.stopped = error
            shard.retry = math.inf if error.code in FINAL else time.monotonic() + MAX_PAUSE_SECONDS
            telemetry.relay_stopped(self._named(number), error.code)
            return 0
        shard.failures, shard.stopped = 0, None
        telemetry.dependency_back(f"{self._prefix}relay")
        return count

    def _shard(self, shard: Shard) -> int:
        lease = shard.lease
        if (now := time.monotonic()) - shard.renewed > RENEW_SECONDS:
            self.source.renew(lease)
            shard.renewed = now
            shard.blocked = dict(self.source.blocked(lease.shard))
        released = self._release(shard)
        batch = self.source.read(lease.shard, lease.cursor, BATCH)
        found = reach(batch, lease.cursor, lease.barrier)
        if found.hole is not None and not found.bounded:
            lease.barrier = self.source.bound(lease)
        said = self._say(shard, batch.rows[: found.rows], found.cursor)
        if found.skipped:
            telemetry.relay_gap_skipped(self._named(lease.shard), found.skipped)
        self._full = self._full or found.rows == BATCH
        return released + said

    def _say(self, shard: Shard, rows: Sequence[Row], cursor: int) -> int:
        """Publishes, waits for every acknowledgement, and only then stores the cursor."""
        if not rows:
            return 0
        lease = shard.lease
        known, unknown = shard.versions.of(rows)
        known |= self.source.versions(lease.shard, sorted(unknown), lease.cursor)
        wrong = disorder(rows, known)
        culprit = rows[wrong] if wrong is not None else None
        if culprit is not None:
            rows, cursor = rows[:wrong], culprit.seq - 1
        count = self._publish(shard, rows)
        self.source.advance(lease, cursor)
        lease.cursor = cursor
        shard.renewed = time.monotonic()
        shard.versions.said(rows)
        telemetry.relay_published(self._named(lease.shard), count)
        if culprit is not None:
            raise BusError(
                f"shard {lease.shard}: event {culprit.id} does not follow its person's last version",
                code="VERSION_ORDER",
                where=f"outbox/{lease.shard}/{culprit.seq}",
                hint="the register must number a person's events under the person's row lock",
            )
        return count

    def _publish(self, shard: Shard, rows: Sequence[Row], releasing: str | None = None) -> int:
        """What the broker will never take blocks its person, and only then the others go on.

        The broker judges together what it gets together: a refused batch is halved, in order, until one stands alone.
        """
        free = [row for row in rows if _is_free(row, shard.blocked, releasing)]
        try:
            if free:
                self.broker.publish([self._message(row) for row in free])
            return len(free)
        except Reject as error:
            self.source.renew(shard.lease)
            if len(free) > 1:
                half = len(free) // 2
                return self._publish(shard, free[:half], releasing) + self._publish(shard, free[half:], releasing)
            self._block(shard, free[0], error.code)
            return 0

    def _block(self, shard: Shard, row: Row, code: str) -> None:
        number = shard.lease.shard
        self.source.block(shard.lease, row.whom, row.seq, code)
        shard.blocked[row.whom] = Blocked(row.seq, code)
        telemetry.relay_blocked(self._named(number), code, row.id)
        if sum(blocked.code != RELEASE for blocked in shard.blocked.values()) >= MAX_BLOCKED:
            raise BusError(
                f"shard {number}: the broker refuses the events of {MAX_BLOCKED} persons",
                code="TOO_MANY_BLOCKED",
                where=f"outbox/{number}/{row.seq}",
                hint="find the cause; release the persons (`bus outbox status`); start the relay again",
            )

    def _release(self, shard: Shard) -> int:
        """Says what was withheld of the persons an operator released, in order, before anything new."""
        count = 0
        for key, blocked in [item for item in shard.blocked.items() if item[1].code == RELEASE]:
            rows = self.source.person(shard.lease.shard, key, blocked.seq, shard.lease.cursor)
            count += self._publish(shard, rows, releasing=key)
            if shard.blocked[key].code == RELEASE:
                self.source.unblock(shard.lease, key)
                del shard.blocked[key]
        return count

    def _named(self, shard: int) -> int | str:
        return f"{self._prefix}{shard}" if self._prefix else shard

    def _message(self, row: Row) -> Message:
        contract = self._contract(row.aggregate)
        headers = framing.headers(contract, id=row.id, recorded=row.recorded, value=row.payload)
        return Message(contract.topic, row.key.encode(), row.payload, headers)


def _is_free(row: Row, blocked: Mapping[str, Blocked], releasing: str | None) -> bool:
    found = blocked.get(row.whom)
    return found is None or (row.whom == releasing and found.code == RELEASE)
