"""How is a fold run? Take canonical records, fold them, store memory, positions and what is said in one transaction.

One driver per processor runs, a second stands by, one that was frozen is fenced. A person whose record cannot be read
or folded is set aside with everything behind it; the others go on. No gap in a person's versions is looked for: every
event holds the whole image, and departments find gaps where they matter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from bus import telemetry
from bus.broker import Broker, Offsets, Record, Subscription
from bus.disclosure.positions import BEHIND, SKIP, Person
from bus.errors import BusError, Fenced, Refused, Reject, Unavailable, Usage
from bus.processor.fold import Processor
from bus.processor.folding import Folding
from bus.processor.horizon import Horizon
from bus.processor.notebook import Notebook, Turn
from bus.processor.reading import Ear

LEASE_SECONDS: Final = 10.0
MANY: Final = 100  # persons set aside in a row: then it is the fold or the contract, and not the people
HOLD_SECONDS: Final = 120.0  # how long an act waits for its last row, once everything of its time has been read
_LOOK_SECONDS: Final = 1.0  # how often operators' wishes, and what waits too long, are looked for
_CHUNK: Final = 500


@dataclass(frozen=True)
class Limits:
    hold: float = HOLD_SECONDS
    look: float = _LOOK_SECONDS
    lease: float = LEASE_SECONDS


LIMITS: Final = Limits()


def name_of(processor: str) -> str:
    """Under which its place is kept, beside the projector's."""
    return f"processor.{processor}"


class Driver:
    """Used by one thread."""

    def __init__(
        self, processor: Processor, ears: Mapping[str, Ear], broker: Broker, notebook: Notebook, *, holder: str,
        limits: Limits = LIMITS, new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:  # fmt: skip
        self.name, self.said = name_of(processor.id), 0
        self._processor, self._ears, self._broker, self._notebook = processor, ears, broker, notebook
        self._holder, self._limits, self._new_id = holder, limits, new_id
        self._epoch: int | None = None
        self._subscription: Subscription | None = None
        self._aside: set[Person] = set()  # as committed
        self._in_a_row: set[Person] = set()
        self._rebuilding: Offsets | None = None
        self._horizon = Horizon(broker, list(ears))
        self._renewed = self._looked = 0.0

    def step(self, limit: int = 1000, wait: float = 1.0) -> int:
        """One batch; the number of records dealt with. After Unavailable the next step takes them again.

        Raises Fenced when another driver has taken over: stop at once.
        """
        if not self._started():
            time.sleep(wait)  # somebody else runs: stand by
            return 0
        assert self._subscription is not None
        try:
            self._look()
            records = self._subscription.poll(limit, wait)
            self._horizon.took(records)
            if records:
                self._fold(records)
                self._subscription.commit(self._subscription.position())
            else:
                self._renew()
        except Unavailable:
            self._subscription.close()
            self._subscription = None  # begins again where it is committed
            raise
        return len(records)

    def is_idle(self) -> bool:
        """Has everything been folded that is in the topics now, and said, but for acts of which a row is missing?"""
        if self._subscription is None or self._rebuilding is not None or not self._horizon.is_clear:
            return False
        return self._has_read(self._broker.ends(list(self._ears)))

    def rebuild(self) -> None:
        """From now on everything is folded anew; at the end what is not as it was said is said. Nobody else may run."""
        if not self._claimed():
            raise Usage(f"{self.name} is running; stop it first", hint="`bus processor status` says where it runs")
        assert self._epoch is not None
        self._notebook.rebuild(self.name, self._epoch, self._broker.ends(list(self._ears)))

    def close(self) -> None:
        """Leaves the lease; what is under way has been committed, or will be folded again."""
        if self._subscription is not None:
            self._subscription.close()
        if self._epoch is not None:
            with suppress(Unavailable):  # then the lease runs out
                self._notebook.release(self.name, self._epoch)
        self._subscription = self._epoch = None

    def _claimed(self) -> bool:
        if self._epoch is None:
            self._notebook.prepare()
            self._epoch = self._notebook.claim(self.name, self._holder, self._limits.lease)
            if self._epoch is not None:
                self._renewed = time.monotonic()
                telemetry.lease_claimed(self.name, self._epoch)
        return self._epoch is not None

    def _started(self) -> bool:
        if not self._claimed():
            return False
        if self._subscription is None:
            self._rebuilding = self._notebook.standing(self.name).rebuilding
            self._aside = {held.person for held in self._notebook.held(self.name)}
            self._subscription = self._subscribed()
            waiting = self._notebook.keys(self.name, self._processor.waiting)
            self._horizon.start(self._notebook.recall(self.name, waiting))
        return True

    def _subscribed(self) -> Subscription:
        """From the very beginning, or not at all: what is missing would be missing in the facts, silently. Only a
        rebuilding, which keeps what is remembered, begins with the first record there is."""
        done = self._notebook.offsets(self.name)
        topics, group = list(self._ears), self._processor.id.replace("_", "-")
        start = {} if self._rebuilding is not None else dict.fromkeys(self._broker.ends(topics), 0)
        return self._broker.subscribe(group, topics, start | dict(done))

    def _renew(self) -> None:
        if time.monotonic() - self._renewed > self._limits.lease / 3:
            assert self._epoch is not None
            self._notebook.renew(self.name, self._epoch)
            self._renewed = time.monotonic()

    def _fold(self, records: Sequence[Record]) -> None:
        """What the database or the contract of the fact refuses sets its person aside, once it stands alone."""
        folding = self._folding()
        folding.records(records, self._ears, self._aside)
        try:
            turn = self._commit(folding)
        except Reject as error:
            if len(records) > 1:
                for record in records:
                    self._fold([record])
                return
            folding = self._folding()
            folding.hold(records[0], error.code)
            turn = self._commit(folding)
        self._judge(records, turn)

    def _folding(self) -> Folding:
        return Folding(self._processor, self.name, self._notebook, self._new_id)

    def _commit(self, folding: Folding) -> Turn:
        assert self._epoch is not None
        turn = folding.done(silent=self._rebuilding is not None)
        self._notebook.commit(self.name, self._epoch, turn)
        self._renewed = time.monotonic()
        self.said += len(turn.said)
        self._aside |= {held.person for held in turn.held}
        self._horizon.remember({k: s for k, s in turn.states.items() if k.startswith(self._processor.waiting)})
        return turn

    def _judge(self, records: Sequence[Record], turn: Turn) -> None:
        """Says who is set aside; many different persons in a row are not the persons' fault."""
        culprits = [held for held in turn.held if held.code != BEHIND]
        for held in culprits:
            telemetry.person_parked(self.name, held.code, "/".join(map(str, held.place)))
        count, all_held = len(turn.held), len(turn.held) == len(records)
        telemetry.batch_applied(self.name, len(records) - count - turn.stale, turn.stale, count)
        fresh = {held.person for held in culprits}
        self._in_a_row = self._in_a_row | fresh if all_held else fresh
        if len(self._in_a_row) >= MANY and all_held:
            raise BusError(
                f"{len(self._in_a_row)} persons in a row could not be folded, the last with {turn.held[-1].code}",
                code="MANY_HELD",
                hint="look at schemas/ids.lock and at the fold; then start the processor again",
            )

    def _look(self) -> None:
        """What operators decided, what waits too long, whether a rebuilding has come to its end."""
        if time.monotonic() - self._looked < self._limits.look:
            return
        self._looked = time.monotonic()
        self._obey()
        asked = self._notebook.standing(self.name).asked
        overdue = (
            self._horizon.waiting() if asked is not None else self._horizon.overdue(self._limits.hold, self._position())
        )
        for first in range(0, len(overdue), _CHUNK):
            folding = self._folding()
            folding.release(overdue[first : first + _CHUNK])
            self._commit(folding)
        if asked is not None:
            folding = self._folding()
            folding.turn.released = True
            self._commit(folding)
        if self._rebuilding is not None and self._has_read(self._rebuilding):
            self._finish()

    def _obey(self) -> None:
        for first in self._notebook.held(self.name, decided=True) if self._aside else ():
            queue = self._notebook.held(self.name, first.person)
            skipped = [first.place] if first.decision == SKIP else []
            folding = self._folding()
            folding.records([held.record for held in queue if held.place not in skipped], self._ears, ())
            again = {held.place for held in folding.turn.held}
            folding.turn.upto.clear()  # they were passed long ago
            folding.turn.settled = [held.place for held in queue if held.place not in again]
            self._commit(folding)
            if not again:
                self._aside.discard(first.person)

    def _finish(self) -> None:
        """Says of every fact what it is now, if that is not what was said."""
        rebuilt, self._rebuilding, after = self._rebuilding, None, ""
        try:
            while keys := self._notebook.keys(self.name, self._processor.standing, after, _CHUNK):
                folding = self._folding()
                folding.facts(keys)
                self._commit(folding)
                after = keys[-1]
            folding = self._folding()
            folding.turn.rebuilt = True
            self._commit(folding)
        except BaseException:
            self._rebuilding = rebuilt
            raise

    def _position(self) -> Offsets:
        return {} if self._subscription is None else self._subscription.position()

    def _has_read(self, ends: Offsets) -> bool:
        here = self._position()
        return all(here.get(place, 0) >= end for place, end in ends.items())


def run(driver: Driver, *, until_idle: bool = False, patience: float = 60.0) -> int:
    """Steps for ever, or until everything is folded. An outage is waited for, with `until_idle` only for `patience`."""
    done, away_since = 0, None
    while True:
        try:
            took = driver.step()
            telemetry.dependency_back(driver.name)
            done, away_since = done + took, None
            if until_idle and not took and driver.is_idle():
                return done
        except Fenced:
            raise
        except Refused as error:
            raise _explained(error) from None
        except Unavailable as error:
            telemetry.dependency_unavailable(driver.name, error.code)
            now = time.monotonic()
            away_since = now if away_since is None else away_since
            if until_idle and now - away_since > patience:
                raise
            time.sleep(min(5.0, 0.2 + (now - away_since) / 4))


def _explained(error: Refused) -> Refused:
    if error.code != "OFFSET_GONE":
        return error
    return Refused(
        "records this processor has not folded are no longer in the topic",
        code="BOOTSTRAP_REQUIRED",
        where=error.where,
        hint="have the register say everybody again, then `bus processor rebuild`; nothing was skipped",
    )
