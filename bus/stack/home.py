"""What does the stack remember between two commands? One file per home, readable by its owner only."""

from __future__ import annotations

import fcntl
import json
import os
import random
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bus.errors import Unavailable, Usage
from bus.stack.process import Process, boot_id

ROOM_NEEDED = 512 * 1024 * 1024


@dataclass(slots=True)
class State:
    """Everything that must be the same at the next start, and what runs now."""

    brokers: int
    tls: bool
    cluster_id: str
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)  # of Kafka principals and, as `pg:<role>`, of database roles
    processes: dict[str, Process] = field(default_factory=dict)
    boot: str = ""

    def secret(self, name: str) -> str:
        return self.secrets.setdefault(name, secrets.token_hex(24))

    def port(self, name: str) -> int:
        return self.ports.setdefault(name, free_port(set(self.ports.values())))


class Home:
    """A folder; two of them never meet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kafka = path / "kafka"
        self.postgres = path / "postgres"
        self.logs = path / "logs"
        self._file = path / "state.json"

    def make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(
                0o711
            )  # the database runs as another user and must pass through; every file inside is closed
            for folder in (self.kafka, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Unavailable(
                f"the home cannot be made: {error.strerror}",
                code="HOME",
                where=str(self.path),
                hint="give another one with --home",
            ) from error

    def room(self) -> None:
        free = shutil.disk_usage(self.path).free
        if free < ROOM_NEEDED:
            raise Unavailable(
                f"the disk is full: {free // 1024**2} MiB free, {ROOM_NEEDED // 1024**2} needed",
                code="DISK_FULL",
                where=str(self.path),
                hint="make room there, or give another place with --home or BUS_HOME",
            )

    @contextmanager
    def locked(self, patience: float = 120.0) -> Iterator[None]:
        """One command at a time may change a home."""
        with (self.path / ".lock").open("w") as lock:
            deadline = time.monotonic() + patience
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Unavailable(
                            "another command is changing this stack",
                            code="BUSY",
                            where=str(self.path),
                            hint="try again when it is done",
                        ) from None
                    time.sleep(0.05)
            yield

    def load(self) -> State | None:
        try:
            known: dict[str, Any] = json.loads(self._file.read_text())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise Unavailable(
                "the stack's state cannot be read",
                code="STATE",
                where=str(self._file),
                hint="restore it, or delete the whole home",
            ) from error
        known["processes"] = {name: Process(**process) for name, process in known["processes"].items()}
        state = State(**known)
        if state.boot != boot_id():
            state.processes, state.boot = {}, boot_id()
        return state

    def save(self, state: State) -> None:
        write_secret(self._file, json.dumps(asdict(state), indent=1))

    def settings(self, document: dict[str, Any] | None) -> None:
        """What bus.settings reads; None: nothing is running."""
        file = self.path / "stack.json"
        if document is None:
            file.unlink(missing_ok=True)
        else:
            write_secret(file, json.dumps(document, indent=1))

    def purge(self) -> None:
        for folder in (self.kafka, self.postgres, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
        for file in ("state.json", "stack.json", "ca.pem"):
            (self.path / file).unlink(missing_ok=True)


def fresh(brokers: int | None, tls: bool | None) -> State:
    if brokers not in (None, 1, 3):
        raise Usage("--brokers is 1 or 3")
    return State(
        brokers or 1, bool(tls), "B" + secrets.token_urlsafe(16)[1:], boot=boot_id()
    )  # an id may not begin with -


def agree(state: State, brokers: int | None, tls: bool | None) -> None:
    if brokers not in (None, state.brokers) or tls not in (None, state.tls):
        has = f"{state.brokers} broker{'s' if state.brokers > 1 else ''}, {'with' if state.tls else 'without'} TLS"
        raise Usage(
            f"this home was made with {has}",
            hint="`bus stack down --purge` removes it with its data; or give another --home",
        )


def write_secret(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    part.replace(file)


def free_port(taken: set[int]) -> int:
    """Below the range from which clients get their own ports, or one of them could sit on it when we come back."""
    chance = random.SystemRandom()
    for _ in range(1000):
        port = chance.randrange(15000, 32000)
        if port not in taken and is_free(port):
            return port
    raise Unavailable("no free port was found", code="PORT_TAKEN")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def demand_free(port: int, name: str) -> None:
    if not is_free(port):
        raise Unavailable(
            f"port {port} of {name} is occupied by another process",
            code="PORT_TAKEN",
            where=f"127.0.0.1:{port}",
            hint="end what listens there, or choose other ports: `bus stack down`, then `bus stack up --new-ports`",
        )
