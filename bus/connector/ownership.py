"""Who may write in a department's database? One process at a time; others stand by until its lease runs out."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event as Flag
from typing import Final, TypeVar

from bus import telemetry
from bus.errors import Fenced, Misconfigured, Reject, Unavailable
from bus.store import Owner, Store, Table

T = TypeVar("T")
LEASE: Final = 10.0  # seconds without a sign of life
LOOK: Final = 0.5


class Owning:
    """`tick` every few seconds: renews the lease, and waits while an operator has paused the connector."""

    def __init__(
        self, store: Store, connector: str, holder: str, lease: float = LEASE, stop: Flag | None = None
    ) -> None:
        self._store, self._connector, self._holder, self._lease = store, connector, holder, lease
        self._stop = stop or Flag()

    def prepare(self, tables: Sequence[Table]) -> None:
        """Two processes that start together may both try: the second look finds everything there."""
        try:
            self._patiently(lambda: self._store.prepare(tables))
        except (Misconfigured, Reject):
            self._store.prepare(tables)

    def wait(self) -> bool:
        """True once this process owns it; False when told to stop first."""
        while not self._stop.is_set():
            if self._patiently(self._try):
                return True
            self._stop.wait(LOOK)
        return False

    def _try(self) -> bool:
        owner = self._store.owner(self._connector)
        if owner is not None and owner.age < self._lease and not is_dead_here(owner.holder):
            return False
        epoch = self._store.claim(self._connector, self._holder)
        telemetry.lease_claimed(self._connector, epoch)
        return True

    def tick(self) -> None:
        while True:
            self._store.renew(self._connector)
            owner: Owner | None = self._store.owner(self._connector)
            if owner is None or not owner.paused or self._stop.wait(LOOK):
                return

    def _patiently(self, act: Callable[[], T]) -> T | None:
        while True:
            try:
                return act()
            except Fenced:
                raise
            except Unavailable as away:
                telemetry.dependency_unavailable(self._connector, away.code)
                if self._stop.wait(LOOK):
                    return None


def here() -> str:
    """host/pid/start: names this very process, also when its number is used again."""
    return f"{platform.node()}/{os.getpid()}/{_started(os.getpid())}"


def is_dead_here(holder: str) -> bool:
    """True only if it ran on this host and certainly runs no more: its successor need not wait for the lease."""
    host, _, rest = holder.rpartition("/")[0].rpartition("/")
    pid, started = rest, holder.rpartition("/")[2]
    if (
        host != platform.node()
        or not pid.isascii()
        or not pid.isdigit()
        or not started
        or not Path("/proc/self/stat").exists()
    ):
        return False
    return _started(int(pid)) != started


def _started(pid: int) -> str:
    """When it was started, by the kernel's count; empty: it is no more."""
    try:
        state, *fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "" if state == "Z" else fields[18]
