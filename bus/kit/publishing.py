"""How does what departments committed get out, many of them in one process? A relay and a thread each."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from bus import telemetry
from bus.adapters.sql.outbox import SqlOutbox
from bus.errors import BusError, Unavailable
from bus.register.relay import FINAL, Relay
from bus.wiring import Wiring

IDLE_SECONDS: Final = 0.25  # an outbox that is empty most of the day; twenty of them cost little
PAUSE_SECONDS: Final = 5.0  # until a department that failed is tried again
PATIENCE: Final = 60.0


class Published(NamedTuple):
    published: int
    fenced: int


class Publisher(Protocol):
    """One department's relay, from its start to its end."""

    def __call__(self, *, until_idle: bool, stop: threading.Event) -> Published: ...


def department(wiring: Wiring, name: str) -> Publisher:
    """With the department's own role in its own database, and its own user on Kafka."""

    def run(*, until_idle: bool, stop: threading.Event) -> Published:
        _prepare(wiring, name, stop)
        with closing(SqlOutbox(wiring.department_engine(name))) as source, closing(wiring.broker(name)) as broker:
            relay = Relay(source, broker, wiring.contracts, name=name)
            count = relay.run(until_idle=until_idle, idle=IDLE_SECONDS, stop=stop, patience=PATIENCE)
        return Published(count, relay.fenced)

    return run


def _prepare(wiring: Wiring, name: str, stop: threading.Event) -> None:
    """The outbox, if it is not there yet; a database that is away is waited for as long as a relay would."""
    started = time.monotonic()
    while True:
        try:
            return wiring.facts(name).prepare()
        except Unavailable as error:
            telemetry.dependency_unavailable(f"{name}-outbox", error.code)
            if time.monotonic() - started > PATIENCE or stop.wait(1.0):
                raise


@dataclass(slots=True)
class Publishers:
    """All at once: what stops one of them stops nobody else."""

    relays: dict[str, Publisher]
    pause: float = PAUSE_SECONDS
    done: dict[str, Published] = field(default_factory=dict)
    failed: dict[str, BusError] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, *, until_idle: bool) -> None:
        """Until stopped, or until nobody has anything left to say; then `failed` has whoever could not go on."""
        threads = [
            threading.Thread(target=self._keep, args=(name, until_idle), name=f"relay-{name}", daemon=True)
            for name in self.relays
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.5)  # short: signals are heard
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def _keep(self, name: str, until_idle: bool) -> None:
        while not self.stop.is_set():
            try:
                self.done[name] = self.relays[name](until_idle=until_idle, stop=self.stop)
            except BusError as error:
                if until_idle or error.code in FINAL:
                    self.failed[name] = error
                    return
                telemetry.dependency_unavailable(f"{name}-relay", error.code)
            except Exception as error:  # noqa: BLE001 - nobody else's thread may end of it
                telemetry.crashed(f"{name}-relay", error)
                if until_idle:
                    self.failed[name] = BusError("the relay failed unexpectedly; its log line says where")
                    return
            else:
                return
            self.stop.wait(self.pause)


def worst(failed: dict[str, BusError]) -> BusError | None:
    """The one error that is told: what waiting will not cure comes first."""
    return min(failed.values(), key=lambda error: isinstance(error, Unavailable), default=None)
