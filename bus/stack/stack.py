"""What has to run, what does, and how does one become the other?"""

from __future__ import annotations

import contextlib
import errno
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bus.adapters import kafka_cluster as adapter
from bus.adapters.sql import admin
from bus.errors import Misconfigured, Unavailable
from bus.stack import certificates, kafka, postgres, warm
from bus.stack.home import Home, State, agree, fresh
from bus.stack.java import Java
from bus.stack.process import Process, end, rss_bytes

Say = Callable[[str], None]
Begun = tuple[Process, subprocess.Popen[bytes]]
PATIENCE = 90.0


class Stack:
    """The processes of one home. What is to be in them is prepare.py's business."""

    def __init__(self, path: Path, *, maven: str | None = None, say: Say = lambda _: None) -> None:
        self.home = Home(path)
        self._maven = maven
        self._say = say
        self._writing = threading.Lock()

    @contextlib.contextmanager
    def up(self, brokers: int | None = None, tls: bool | None = None, *, new_ports: bool = False) -> Iterator[State]:
        """Starts what does not run, and keeps the home locked while the caller fills it."""
        self.home.make()
        with self.home.locked(), _disk():
            state = self.home.load()
            if state is None:
                state = fresh(brokers, tls)
            agree(state, brokers, tls)
            if not self._runs(state, warm.NAME):
                state.processes.pop(warm.NAME, None)  # it is done; its number may be anybody's
            self._no_stranger(state)
            self.home.room()
            if new_ports:
                self._forget_ports(state)
            self._start(state)
            yield state
            self.home.save(state)

    def _start(self, state: State) -> None:
        java: list[Java] = []

        def brokers() -> None:
            java.append(self._kafka(state))

        self._reserve(state)
        with ThreadPoolExecutor(2) as pool:
            started = [pool.submit(brokers), pool.submit(self._postgres, state)]
        for each in started:
            each.result()
        if java and not java[0].is_warm and not self._runs(state, warm.NAME):
            self._began(state, warm.begin(self.home, java[0], _now()))

    def _reserve(self, state: State) -> None:
        """Ports and passwords are written down before anything listens: a start that is cut off can be repeated."""
        for node in kafka.nodes_of(self.home, state):
            _ = node.port, node.controller
        state.port("postgres")
        for secret in ("admin", "controller", "pg:postgres"):
            state.secret(secret)
        self.home.save(state)

    def _kafka(self, state: State) -> Java:
        nodes = kafka.nodes_of(self.home, state)
        client = kafka.client_of(self.home, state)
        java = Java.ready(self._maven)
        dead = [node for node in nodes if not self._runs(state, node.name)]
        children: dict[str, subprocess.Popen[bytes]] = {}
        if state.tls:
            certificates.issue(self.home.path)
        for node in dead:
            self._say(f"{node.name} starts on 127.0.0.1:{node.port}")
            node.write(nodes)
            node.format(java, nodes)
        for node in dead:
            children[node.name] = self._began(state, node.start(java, _now()))
        kafka.wait(nodes, children, client, adapter.answers, PATIENCE)
        return java

    def _postgres(self, state: State) -> None:
        dsn = postgres.admin_dsn(state)
        child = None
        if not self._runs(state, "postgres"):
            self._say(f"postgres starts on 127.0.0.1:{state.port('postgres')}")
            postgres.initialise(self.home, state)
            child = self._began(state, postgres.start(self.home, state, _now()))
        postgres.wait(self.home, child, dsn, admin.answers, PATIENCE)

    def _began(self, state: State, begun: Begun) -> subprocess.Popen[bytes]:
        """Written down at once: a command that is killed now leaves no process that `down` does not know."""
        process, child = begun
        with self._writing:
            state.processes[process.name] = process
            self.home.save(state)
        return child

    def _runs(self, state: State, name: str) -> bool:
        return name in state.processes and state.processes[name].is_alive

    def _no_stranger(self, state: State) -> None:
        strangers = [process for process in state.processes.values() if process.is_foreign]
        if strangers:
            raise Unavailable(
                "; ".join(f"{p.name} was pid {p.pid}, which is another process now" for p in strangers),
                code="FOREIGN_PROCESS",
                where=str(self.home.path),
                hint="it is left alone; `bus stack down` forgets it (data stay), then `bus stack up`",
            )

    def _forget_ports(self, state: State) -> None:
        if state.brokers > 1:
            raise Misconfigured(
                "three brokers know one another by their ports; they cannot change", hint="free the ports"
            )
        if any(process.is_alive for process in state.processes.values()):
            raise Misconfigured("ports can only change while nothing runs", hint="`bus stack down` first")
        state.ports.clear()

    def down(self, *, purge: bool = False) -> list[str]:
        """Ends what this home started, and nothing else; says what it ended."""
        if not self.home.path.exists():
            return []
        with self.home.locked():
            state = self.home.load()
            ended: list[str] = []
            if state is not None:
                ended = self._end(list(state.processes.values()), gently=not purge)
                state.processes.clear()
                self.home.save(state)
            self.home.settings(None)
            if purge:
                self.home.purge()
        return ended

    def _end(self, processes: Sequence[Process], *, gently: bool) -> list[str]:
        for process in processes:
            if process.is_foreign:
                self._say(f"{process.name}: pid {process.pid} is another process by now and is left alone")
        alive = [process for process in processes if process.is_alive]
        if alive:
            with ThreadPoolExecutor(len(alive)) as pool:
                list(pool.map(lambda process: _stop(process, gently=gently), alive))
        return [process.name for process in alive]

    def status(self) -> list[dict[str, Any]]:
        """Every process that was started and not ended by `down`, whether it still runs or not."""
        state = self.home.load()
        if state is None:
            return []
        return [self._one(state, name) for name in sorted(state.processes) if name != warm.NAME]

    def _one(self, state: State, name: str) -> dict[str, Any]:
        process = state.processes.get(name)
        alive = process is not None and process.is_alive
        return {
            "name": name,
            "pid": process.pid if process and alive else None,
            "port": state.ports.get(name),  # a process of the bus listens nowhere
            "since": process.since if process and alive else None,
            "rss_bytes": rss_bytes(process.pid) if process and alive else None,
            "healthy": alive and self._is_healthy(state, name),
        }

    def _is_healthy(self, state: State, name: str) -> bool:
        if name == "postgres":
            return admin.answers(postgres.admin_dsn(state))
        node = next((node for node in kafka.nodes_of(self.home, state) if node.name == name), None)
        if node is None:
            return True  # a process of the bus: that it lives is all that is known here
        one = {**kafka.client_of(self.home, state), "bootstrap.servers": f"127.0.0.1:{node.port}"}
        return adapter.answers(one, 1)


def _stop(process: Process, *, gently: bool) -> None:
    """PostgreSQL: INT ends sessions and loses nothing, QUIT takes its children with it. Data that go need no care."""
    if process.name == "postgres":
        end(process, signal.SIGINT if gently else signal.SIGQUIT, 15.0)
    else:
        end(process, signal.SIGTERM if gently or process.name == warm.NAME else signal.SIGKILL, 15.0)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise Unavailable(
            "the disk is full", code="DISK_FULL", where=error.filename, hint="make room, then the same command again"
        ) from error
