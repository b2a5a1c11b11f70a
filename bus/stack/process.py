"""Is the process that we started still the one with that number? A pid alone is not enough; its start time decides."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bus.errors import Unavailable

# Kept until the interpreter ends: a Popen that is collected while its child runs complains, and one not polled
# leaves a zombie.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, slots=True)
class Process:
    """One process we started, as the state file remembers it."""

    name: str
    pid: int
    started: str  # start time in the kernel's own words; the same pid with another one is not ours
    since: str  # RFC 3339, for people

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def is_alive(self) -> bool:
        return start_time(self.pid) == self.started

    @property
    def is_foreign(self) -> bool:
        """The number belongs to somebody else by now."""
        return start_time(self.pid) not in (None, self.started)


def start_time(pid: int) -> str | None:
    """None when there is no such process; a zombie is none either."""
    for child in _children:
        child.poll()
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip() or None


def boot_id() -> str:
    """Another boot, other processes: nothing in the state is alive."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def rss_bytes(pid: int) -> int | None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def spawn(
    name: str, command: list[str], log: Path, since: str, **popen: Any
) -> tuple[Process, subprocess.Popen[bytes]]:
    """Starts a process that outlives us, in a session of its own (Ctrl-C reaches us, not it)."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, **popen
        )
    _children.append(child)
    started = start_time(child.pid)
    return Process(name, child.pid, started or "gone", since), child


def end(process: Process, how: signal.Signals, patience: float) -> None:
    """Asks, waits, insists. Touches nothing when the pid is no longer ours."""
    for sign in (how, signal.SIGKILL):
        if not process.is_alive:
            return
        os.kill(process.pid, sign)
        if wait_until(lambda: not process.is_alive, patience):
            return
    raise Unavailable(f"{process.name} (pid {process.pid}) does not end", code="DOES_NOT_END")


def wait_until(true: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
