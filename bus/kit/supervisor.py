"""How do several connectors run beside each other? A process each, started again when it falls, ended together."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bus import telemetry
from bus.errors import Misconfigured, Refused

HOPELESS: Final = (Misconfigured.exit, Refused.exit)  # starting it again changes nothing
FIRST, LONGEST, STEADY = 0.5, 30.0, 60.0  # seconds: pauses, and how long a run counts as a good one
PATIENCE: Final = 20.0  # until a process that was asked to leave is made to


@dataclass
class Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    again: float = 0.0  # not before
    pause: float = FIRST
    code: int | None = None

    def start(self) -> None:
        self.process, self.began = _start(self.command), time.monotonic()

    def look(self, *, once: bool) -> None:
        """Has it ended? Then it is started again after a growing pause, unless its work is done or it is hopeless."""
        if self.process is None:
            if self.code is None and time.monotonic() >= self.again:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        self.process = None
        if (once and code == 0) or code in HOPELESS:
            self.code = code
            return
        telemetry.connector_stopped(self.name, f"EXIT_{abs(code)}")
        if time.monotonic() - self.began > STEADY:
            self.pause = FIRST
        self.again, self.pause = time.monotonic() + self.pause, min(self.pause * 2, LONGEST)


def supervise(commands: Mapping[str, Sequence[str]], *, until_idle: bool = False) -> dict[str, int | None]:
    """Runs until all are done or hopeless; interrupted, it ends them all and goes. Returns their exit codes."""
    children = [Child(name, command) for name, command in commands.items()]
    try:
        while any(child.code is None for child in children):
            for child in children:
                child.look(once=until_idle)
            time.sleep(0.1)
    finally:
        _end(children)
    return {child.name: child.code for child in children}


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Its log goes where ours goes; what it prints at its end is not ours to print."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _end(children: Sequence[Child]) -> None:
    living = [child.process for child in children if child.process is not None]
    for process in living:
        process.terminate()
    deadline = time.monotonic() + PATIENCE
    for process in living:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
