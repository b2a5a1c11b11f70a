"""How do canonical records become one narrowed topic per subscription? Take, decide, publish, then mark: at least once.

The projector remembers nothing about persons but those it has set aside. A record that cannot be read, or about which a
rule fails, is held with its person: everything behind it waits in order, everybody else goes on (bad inputs, class H).
A crash between publishing and marking says the same bytes again; the departments' guards drop them (decisions 4, 17).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from bus import telemetry
from bus.broker import Broker, Message, Offsets, Record, Subscription
from bus.disclosure.audience import Audience
from bus.disclosure.positions import BEHIND, SKIP, Held, Person, Place, Positions
from bus.errors import BusError, Fenced, Reject, Unavailable

NAME: Final = "projector"
LEASE_SECONDS: Final = 10.0
MANY: Final = 100  # persons set aside in a row: then it is the contract or the topology, and not the people
_LOOK_SECONDS: Final = 1.0  # how often operators' decisions are looked for


@dataclass
class Batch:
    """What a few records amount to, before anything is done."""

    messages: list[Message] = field(default_factory=list)
    origins: list[Record] = field(default_factory=list)  # of messages[i]
    held: list[Held] = field(default_factory=list)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)  # (subscription, mode)


class Projector:
    """One per bus; a second one stands by. Used by one thread."""

    def __init__(self, broker: Broker, positions: Positions, audiences: Mapping[str, Audience], *, holder: str) -> None:
        """`audiences`: by canonical topic."""
        self._broker = broker
        self._positions = positions
        self._audiences = audiences
        self._holder = holder
        self._epoch: int | None = None
        self._subscription: Subscription | None = None
        self._done: dict[tuple[str, int], int] = {}  # as marked
        self._waiting: set[Person] = set()  # as marked
        self._in_a_row: set[Person] = set()
        self._renewed = self._looked = 0.0

    def step(self, limit: int = 1000, wait: float = 1.0) -> int:
        """One batch; the number of canonical records dealt with. After Unavailable the next step takes them again.

        Raises Fenced when another projector has taken over: stop at once.
        """
        if not self._started():
            time.sleep(wait)  # somebody else runs: stand by
            return 0
        assert self._subscription is not None
        try:
            self._obey()
            records = self._subscription.poll(limit, wait)
            if not records:
                self._renew()
                return 0
            self._finish(records)
        except Unavailable:
            self._subscription.close()
            self._subscription = None  # begins again where it is marked
            raise
        return len(records)

    def is_idle(self) -> bool:
        """Has everything been taken that is in the canonical topics now?"""
        if self._subscription is None:
            return False
        ends, here = self._broker.ends(list(self._audiences)), self._subscription.position()
        return all(here.get(place, 0) >= end for place, end in ends.items())

    def close(self) -> None:
        """Leaves the lease; what is under way has been marked, or will be said again."""
        if self._subscription is not None:
            self._subscription.close()
        if self._epoch is not None:
            with suppress(Unavailable):  # then the lease runs out
                self._positions.release(NAME, self._epoch)
        self._subscription = self._epoch = None

    def _started(self) -> bool:
        if self._epoch is None:
            self._positions.prepare()
            self._epoch = self._positions.claim(NAME, self._holder, LEASE_SECONDS)
            if self._epoch is None:
                return False
            self._renewed = time.monotonic()
            telemetry.lease_claimed(NAME, self._epoch)
        if self._subscription is None:
            self._done = dict(self._positions.offsets(NAME))
            self._waiting = {person for person, _ in self._positions.waiting()}
            self._subscription = self._broker.subscribe(NAME, list(self._audiences), self._done)
        return True

    def _renew(self) -> None:
        if time.monotonic() - self._renewed > LEASE_SECONDS / 3:
            assert self._epoch is not None
            self._positions.renew(NAME, self._epoch)
            self._renewed = time.monotonic()

    def _finish(self, records: Sequence[Record]) -> None:
        upto: dict[tuple[str, int], int] = {}
        for record in records:
            upto[record.topic, record.partition] = record.offset + 1
        batch = self._publish(records, self._waiting)
        self._judge(records, batch)
        self._mark(upto, batch.held)
        self._done |= upto
        self._waiting |= {held.person for held in batch.held}
        assert self._subscription is not None
        self._subscription.commit(upto)
        for (subscription, mode), count in batch.told.items():
            telemetry.projected(subscription, mode, count)

    def _publish(self, records: Sequence[Record], waiting: set[Person]) -> Batch:
        """Says what there is to say; a message the broker will never take holds its person, and all is said again."""
        refused: dict[Place, str] = {}
        while True:
            batch = self._project(records, waiting, refused)
            try:
                self._broker.publish(batch.messages)
                return batch
            except Reject as error:
                origin = batch.origins[error.index]
                refused[origin.topic, origin.partition, origin.offset] = error.code

    def _project(self, records: Sequence[Record], waiting: set[Person], refused: Mapping[Place, str]) -> Batch:
        batch = Batch()
        behind = set(waiting)
        for record in records:
            held = Held(record, BEHIND)
            if held.person not in behind:
                code = refused.get(held.place) or self._tell(record, batch)
                if code is None:
                    continue
                held = Held(record, code)
                behind.add(held.person)
            batch.held.append(held)
        return batch

    def _tell(self, record: Record, batch: Batch) -> str | None:
        """Adds what every subscription is to hear of one record; or gives the code of why it cannot be known."""
        try:
            told = self._audiences[record.topic].tell(record)
        except Reject as error:
            return error.code
        except BusError:
            raise  # ours, and no record's fault
        except Exception as error:  # noqa: BLE001  # no record whatever may stop the projector
            telemetry.crashed(NAME, error)
            return "UNREADABLE"
        for hearing, mode, message in told:
            batch.messages.append(message)
            batch.origins.append(record)
            batch.told[hearing.id, mode] += 1
        return None

    def _judge(self, records: Sequence[Record], batch: Batch) -> None:
        """Says who is held; many different persons in a row are not the persons' fault."""
        fresh = {held.person for held in batch.held if held.code != BEHIND}
        for held in batch.held:
            if held.code != BEHIND:
                telemetry.projector_held("/".join(map(str, held.place)), held.code)
        self._in_a_row = self._in_a_row | fresh if len(batch.held) == len(records) else fresh
        if len(self._in_a_row) >= MANY and len(batch.held) == len(records):
            raise BusError(
                f"{len(self._in_a_row)} persons in a row could not be read, the last with {batch.held[-1].code}",
                code="MANY_HELD",
                hint="look at schemas/ids.lock and at the concerns rules; then start the projector again",
            )

    def _mark(self, upto: Offsets, held: Sequence[Held], settled: Sequence[Place] = ()) -> None:
        assert self._epoch is not None
        self._positions.commit(NAME, self._epoch, upto, held, settled)
        self._renewed = time.monotonic()

    def _obey(self) -> None:
        """Takes up what operators have decided about the first held record of a person."""
        if not self._waiting or time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        for first in self._positions.held(decided=True):
            queue = self._positions.held(first.person)
            skipped = [first.place] if first.decision == SKIP else []
            records = [held.record for held in queue if held.place not in skipped]
            batch = self._publish(records, set())
            again = {held.place for held in batch.held}
            settled = [held.place for held in queue if held.place not in again]
            self._mark({}, batch.held, settled)
            if not again:
                self._waiting.discard(first.person)
            telemetry.projector_released(len(settled), len(skipped))


def run(projector: Projector, *, until_idle: bool = False, patience: float = 60.0) -> int:
    """Steps for ever, or until everything has been taken. An outage is waited for, else only for `patience`."""
    done, away_since = 0, None
    while True:
        try:
            took = projector.step()
            telemetry.dependency_back(NAME)
            done, away_since = done + took, None
            if until_idle and not took and projector.is_idle():
                return done
        except Fenced:
            raise
        except Unavailable as error:
            telemetry.dependency_unavailable(NAME, error.code)
            now = time.monotonic()
            away_since = now if away_since is None else away_since
            if until_idle and now - away_since > patience:
                raise
            time.sleep(min(5.0, 0.2 + (now - away_since) / 4))
