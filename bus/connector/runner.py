"""What happens to what a department hears? One transaction per batch, and one reaction per family of errors.

While the store commits a batch in its own thread, the next one is read and decoded; never more than one is under way.
The offsets that count are those in the store: whatever goes wrong, reading starts again there.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event as Flag
from typing import Final, NamedTuple

from bus import telemetry
from bus.broker import Broker, Offsets, Subscription
from bus.connector.ownership import LEASE, Owning
from bus.errors import BusError, Fenced, Refused, Reject, Unavailable
from bus.store import Again, Applied, Delivery, Store, Table

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0


class ParkStormError(BusError):
    code = "PARK_STORM"


class Limits(NamedTuple):
    records: int = 2_000  # in a batch
    wait: float = 0.03  # seconds for the first of them
    storm: int = 20  # different persons parked one after the other: it is the connector, not they; 0: never
    lease: float = LEASE  # a fifth of it passes between two looks at it and at the operator's wishes


LIMITS: Final = Limits()


class Batch(NamedTuple):
    deliveries: Sequence[Delivery]
    upto: Offsets


class Runner:
    """One connector, reading one subscription. `intake` is pure; the store is used by one thread at a time."""

    def __init__(
        self,
        connector: str,
        intake: Again,
        subscription: Subscription,
        store: Store,
        limits: Limits = LIMITS,
        stop: Flag | None = None,
    ) -> None:
        self.connector = connector
        self.total = Applied()
        self._intake, self._subscription, self._store, self._limits = intake, subscription, store, limits
        self._streak: set[str] = set()
        self._stop = stop or Flag()
        self._pause = FIRST_PAUSE
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._looked = time.monotonic()
        self._under_way: tuple[Future[Applied], Batch] | None = None

    def step(self) -> Applied:
        """One batch, from the topic into the table."""
        batch = self._read()
        return self._apply(batch.deliveries, batch.upto) if batch.upto else Applied()

    def run(self, is_done: Callable[[], bool] = lambda: False, tick: Callable[[], None] = lambda: None) -> Applied:
        """Until told to stop, or done: nothing to read and `is_done`. `tick` is called between batches."""
        try:
            be_brisk()
            while not self._stop.is_set():
                try:
                    self._pipelined()
                    self._look(tick)
                    if self._under_way is None and is_done():
                        break
                    self._pause = FIRST_PAUSE
                except Fenced:
                    raise
                except Unavailable as away:
                    self._wait_for(away)
            return self.total
        finally:
            self.close()

    def _pipelined(self) -> None:
        batch = self._read()
        self._collect()
        if not batch.upto:
            return
        self._under_way = self._worker.submit(self._apply, batch.deliveries, batch.upto), batch

    def _look(self, tick: Callable[[], None]) -> None:
        if time.monotonic() - self._looked >= self._limits.lease / 5:
            self._collect()  # the store is used by one thread at a time
            tick()
            self._looked = time.monotonic()

    def _read(self) -> Batch:
        records = self._subscription.poll(self._limits.records, self._limits.wait if self._under_way is None else 0.0)
        intake = self._intake
        return Batch([intake(record) for record in records], {(r.topic, r.partition): r.offset + 1 for r in records})

    def _collect(self) -> None:
        if self._under_way is not None:
            (result, batch), self._under_way = self._under_way, None
            result.result()
            self._subscription.commit(batch.upto)

    def _apply(self, deliveries: Sequence[Delivery], upto: Offsets) -> Applied:
        began = time.monotonic()
        sound, storm = self._before_storm(deliveries)
        applied = self._divide(deliveries[:sound], upto if storm is None else _upto(deliveries[:sound]))
        self._count(applied, time.monotonic() - began)
        if storm is None:
            storm = self._is_storm()
        if storm is not None:
            raise storm
        return applied

    def _divide(self, deliveries: Sequence[Delivery], upto: Offsets) -> Applied:
        """All at once; halves, when the database refuses something, until only what it refuses is left."""
        try:
            return self._store.apply(self.connector, deliveries, upto, self._intake)
        except Reject as refused:
            if len(deliveries) <= 1:
                return self._single(deliveries, upto, refused)
        half = len(deliveries) // 2
        applied = self._divide(deliveries[:half], _upto(deliveries[:half]))
        self._streak = applied.streak if applied.fresh else self._streak | applied.streak
        if (storm := self._is_storm()) is not None:
            self._count(applied)
            raise storm
        applied.add(self._divide(deliveries[half:], upto))
        return applied

    def _single(self, deliveries: Sequence[Delivery], upto: Offsets, refused: Reject) -> Applied:
        """Either this one is refused, or one that waited for it: those are then tried one by one."""
        if not deliveries:
            raise refused
        delivery = deliveries[0]
        with suppress(Reject):
            applied = self._store.apply(self.connector, deliveries, upto)
            applied.add(self._released(delivery.key))
            return applied
        delivery.reject = refused
        return self._store.apply(self.connector, deliveries, upto)

    def _released(self, key: str) -> Applied:
        with suppress(Reject):
            return self._store.release(self.connector, key, self._intake)
        return Applied()

    def _before_storm(self, deliveries: Sequence[Delivery]) -> tuple[int, ParkStormError | None]:
        """How many to apply: all, or those before the first of too many different persons rejected in a row."""
        if not self._limits.storm or all(delivery.reject is None for delivery in deliveries):
            return len(deliveries), None
        streak, begin = set(self._streak), 0
        for index, delivery in enumerate(deliveries):
            if delivery.reject is None:
                streak, begin = set(), index + 1
            else:
                streak.add(delivery.key)
                if len(streak) >= self._limits.storm:
                    return begin, self._stormy(delivery.reject)
        return len(deliveries), None

    def _is_storm(self) -> ParkStormError | None:
        return self._stormy(None) if self._limits.storm and len(self._streak) >= self._limits.storm else None

    def _stormy(self, last: Reject | None) -> ParkStormError:
        return ParkStormError(
            f"{self._limits.storm} different persons in a row cannot be applied"
            + (f", lastly for {last.code}" if last else "")
            + ": it is the connector or what it hears, not they",
            where=last.where if last else None,
            hint=f"`bus dlq list --connector {self.connector}`; mend, then run again; `--storm 0` parks them all",
        )

    def _count(self, applied: Applied, seconds: float | None = None) -> None:
        self._streak = applied.streak if applied.fresh else self._streak | applied.streak
        self.total.add(applied)
        telemetry.dependency_back(self.connector)
        for where, reason in applied.culprits:
            telemetry.person_parked(self.connector, reason.code, where)
        telemetry.batch_applied(
            self.connector, applied.fresh, applied.stale, applied.parked, applied.released, applied.reviewed, seconds
        )

    def _wait_for(self, away: Unavailable) -> None:
        """The world is away: nothing is parked or dropped; the same records again, from where the store stands."""
        under_way, self._under_way = self._under_way, None
        error = under_way[0].exception() if under_way else None
        if error is not None and (isinstance(error, Fenced) or not isinstance(error, Unavailable)):
            raise error
        while not self._stop.is_set():
            telemetry.dependency_unavailable(self.connector, away.code)
            self._stop.wait(self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            try:
                stored = self._store.offsets(self.connector)
                self._subscription.seek(dict.fromkeys(self._subscription.position(), 0) | dict(stored))
                return
            except Fenced:
                raise
            except Unavailable as error:
                away = error

    def close(self) -> None:
        """What is under way is finished, for better or worse: the store knows."""
        under_way, self._under_way = self._under_way, None
        self._worker.shutdown(wait=True)
        if under_way is not None:
            with suppress(BusError):
                under_way[0].result()


def be_brisk() -> None:
    """Records and rows hold no cycles, which Python would look for in every batch; and two threads that pass each other
    pieces of a COPY must not wait 5 ms for every piece."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    sys.setswitchinterval(0.0002)


def _upto(deliveries: Sequence[Delivery]) -> Offsets:
    return {(d.record.topic, d.record.partition): d.record.offset + 1 for d in deliveries}


def serve(
    connector: str, intake: Again, tables: Sequence[Table], topics: Sequence[str], broker: Broker, store: Store, *,
    holder: str, group: str, until_idle: bool = False, limits: Limits = LIMITS, stop: Flag | None = None,
) -> Applied:  # fmt: skip
    """Owns the connector, or stands by until it may; then runs, until `stop`, idleness or an error that stops it."""
    stop = stop or Flag()
    owning = Owning(store, connector, holder, limits.lease, stop)
    owning.prepare(tables)
    if not owning.wait():
        return Applied()
    why = ""
    try:
        subscription = _subscribed(connector, topics, broker, store, group)
        runner = Runner(connector, intake, subscription, store, limits, stop)

        def is_done() -> bool:
            return until_idle and all(
                subscription.position().get(at, 0) >= end for at, end in broker.ends(topics).items()
            )

        try:
            return runner.run(is_done, owning.tick)
        finally:
            subscription.close()
    except BusError as error:
        explained = _explained(error)
        why = explained.code
        _say(connector, explained)
        raise explained from None
    finally:
        with suppress(BusError):
            store.resign(connector, why)


def _subscribed(connector: str, topics: Sequence[str], broker: Broker, store: Store, group: str) -> Subscription:
    """A partition without a position is read from offset 0; if that is gone, the broker says so."""
    stored = store.offsets(connector)
    start = {place: stored.get(place, 0) for place in broker.ends(topics)}
    return broker.subscribe(group, topics, start)


def _explained(error: BusError) -> BusError:
    if isinstance(error, Refused) and error.code == "OFFSET_GONE":
        return Refused(
            "records this connector has not read are no longer in the topic",
            code="BOOTSTRAP_REQUIRED",
            where=error.where,
            hint="bootstrap it; nothing was skipped",
        )
    return error


def _say(connector: str, error: BusError) -> None:
    if isinstance(error, Fenced):
        telemetry.connector_fenced(connector)
    telemetry.connector_stopped(connector, error.code)
