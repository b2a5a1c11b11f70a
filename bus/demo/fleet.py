"""Which processes of the bus run for a demonstration? Real ones, started, killed and ended by number."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bus.errors import BusError
from bus.settings import Settings
from bus.stack.home import Home
from bus.stack.process import Process, end, spawn

PATIENCE = 15.0


class Died(BusError):
    code = "PROCESS_DIED"


@dataclass(slots=True)
class Kill:
    """One process that was ended without a chance to say goodbye, and how long it stayed away."""

    name: str
    pid: int
    at: float
    signal: int = 0  # as the operating system tells it
    waiting: int = 0  # records that piled up before it while it was dead
    dead_seconds: float = 0.0


@dataclass(slots=True)
class Fleet:
    """What it starts is written into the home's state, so that `bus stack down` ends it whatever becomes of us."""

    settings: Settings
    commands: dict[str, Sequence[str]] = field(default_factory=dict)
    running: dict[str, tuple[Process, subprocess.Popen[bytes]]] = field(default_factory=dict)

    def start(self, commands: Mapping[str, Sequence[str]]) -> None:
        """name -> words behind `bus`."""
        home = Home(self.settings.home)
        home.make()
        for name, words in commands.items():
            self.commands[name] = words
            flags = ["--home", str(self.settings.home), *(["--town", self.settings.town] if self.settings.town else [])]
            command = [sys.executable, "-m", "bus", *words, *flags, "--json"]
            since = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            log = home.logs / f"{name}.log"
            self.running[name] = spawn(name, command, log, since, cwd=self.settings.project)
        self._remember(home)

    def _remember(self, home: Home) -> None:
        with home.locked():
            if state := home.load():
                state.processes |= {name: process for name, (process, _) in self.running.items()}
                home.save(state)

    def kill(self, name: str) -> Kill:
        """SIGKILL; returns when the operating system says that it is dead of it."""
        process, child = self.running.pop(name)
        if child.poll() is not None:
            raise Died(f"{name} ended by itself (exit {child.returncode})", where=self.log(name))
        os.kill(process.pid, signal.SIGKILL)
        code = child.wait(PATIENCE)
        return Kill(name, process.pid, time.monotonic(), signal=-code)

    def again(self, kill: Kill) -> None:
        kill.dead_seconds = time.monotonic() - kill.at
        self.start({kill.name: self.commands[kill.name]})

    def check(self) -> None:
        """Raises when one of them ended by itself: waiting for the others would be in vain."""
        for name, (_, child) in self.running.items():
            if (code := child.poll()) is not None:
                raise Died(f"{name} ended by itself (exit {code})", where=self.log(name), hint="its log says why")

    def log(self, name: str) -> str:
        return str(Home(self.settings.home).logs / f"{name}.log")

    def stop(self) -> None:
        """All at once; whoever does not hear is killed."""
        processes = [process for process, _ in self.running.values()]
        if processes:
            with ThreadPoolExecutor(len(processes)) as pool:
                list(pool.map(lambda process: end(process, signal.SIGTERM, PATIENCE), processes))
        for _, child in self.running.values():
            child.wait(PATIENCE)
        self._forget()
        self.running.clear()

    def _forget(self) -> None:
        home = Home(self.settings.home)
        with home.locked():
            if state := home.load():
                for name in self.running:
                    state.processes.pop(name, None)
                home.save(state)
