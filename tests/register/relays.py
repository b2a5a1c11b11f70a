"""Relay processes and the topic they fill, as the tests of the relay need them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Engine, text

from bus.adapters.kafka import KafkaBroker
from bus.broker import Record

ROOT = Path(__file__).resolve().parents[2]


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


class Relays:
    """Starts relays, knows which of them holds the leases, and kills by the process ids it started."""

    def __init__(self, engine: Engine, options: dict) -> None:
        self._engine = engine
        self.options = options
        self._running: dict[int, subprocess.Popen[str]] = {}
        self._log = Path(tempfile.mkstemp(prefix="relay-", suffix=".log")[1])
        self.kills = 0

    def start(self) -> int:
        command = [sys.executable, "-m", "tests.register.relaying", json.dumps(self.options)]
        with self._log.open("a") as log:
            child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        self._running[child.pid] = child
        return child.pid

    @property
    def topic(self) -> str:
        return self.options["topic"]

    def complaints(self, component: str) -> int:
        """How often a dependency was said to be away."""
        lines = self._log.read_text().splitlines()
        return sum('"dependency_unavailable"' in line and f'"{component}"' in line for line in lines)

    def has_been_fenced(self) -> bool:
        return '"relay_fenced"' in self._log.read_text()

    def holders(self) -> Counter[int]:
        """How many shards each of our processes holds."""
        pids = (int(row.holder.split(":")[1]) for row in self.leases() if row.holder)
        return Counter(pid for pid in pids if pid in self._running)

    def holder(self) -> int | None:
        """The process that holds most shards."""
        return next((pid for pid, _ in self.holders().most_common(1)), None)

    def has_all(self, pid: int) -> bool:
        return self.holders()[pid] == len(self.leases())

    def leases(self) -> Sequence:
        with self._engine.connect() as db:
            return db.execute(text("SELECT shard, holder, epoch, cursor FROM bus_lease ORDER BY shard")).all()

    def position(self) -> int:
        return sum(row.cursor for row in self.leases())

    def kill(self, pid: int) -> None:
        child = self._running.pop(pid)
        assert child.poll() is None, "it had ended by itself"
        child.kill()
        child.communicate()
        self.kills += 1

    def signal(self, pid: int, what: signal.Signals) -> None:
        os.kill(self._running[pid].pid, what)

    def end(self, pid: int) -> dict:
        """Asks it to leave; what it says about itself."""
        child = self._running.pop(pid)
        child.terminate()
        said, _ = child.communicate(timeout=20)
        return json.loads(said.splitlines()[-1])

    def has_said_everything(self) -> bool:
        query = "SELECT EXISTS (SELECT FROM bus_lease l JOIN bus_outbox o USING (shard) WHERE o.seq > l.cursor)"
        with self._engine.connect() as db:
            return not db.execute(text(query)).scalar_one()

    def wait_until_one_works(self) -> None:
        before = self.position()
        until(lambda: self.holder() is not None and self.position() > before, 60, "a relay works")

    def wait_until_all_is_said(self) -> None:
        """By the register's own account, and the topic has been quiet for a while."""
        broker, topic = KafkaBroker(self.options["client"]), self.options["topic"]
        ends, since = broker.ends([topic]), time.monotonic()

        def quiet() -> bool:
            nonlocal ends, since
            if (now := broker.ends([topic])) != ends or not self.has_said_everything():
                ends, since = now, time.monotonic()
            return time.monotonic() - since > 1.0

        until(quiet, 60, "all is said")
        broker.close()

    def close(self) -> None:
        for child in self._running.values():
            child.send_signal(signal.SIGCONT)
            child.kill()
            child.communicate()
        self._running.clear()
        self._log.unlink()


def everything(client: dict, topic: str) -> list[Record]:
    """All records of a topic, in the order of their partitions."""
    broker = KafkaBroker(client)
    subscription = broker.subscribe("reader", [topic], {})
    records: list[Record] = []
    try:
        ends = broker.ends([topic])
        deadline = time.monotonic() + 60
        while len(records) < sum(ends.values()):
            assert time.monotonic() < deadline, "the topic does not give all it holds"
            records.extend(subscription.poll(2_000, 0.2))
    finally:
        subscription.close()
        broker.close()
    return sorted(records, key=lambda record: (record.partition, record.offset))


def first_occurrences(records: Sequence[Record]) -> tuple[dict[str, list[int]], set[tuple[str, int, str]]]:
    """Per person the versions in the order in which they first came, and everything that came."""
    versions: dict[str, list[int]] = defaultdict(list)
    seen: set[tuple[str, int, str]] = set()
    for record in records:
        key, version, event = record.value.decode().rstrip(".").split("/")
        assert record.key == key.encode()
        if (key, int(version), event) not in seen:
            seen.add((key, int(version), event))
            versions[key].append(int(version))
    return versions, seen


def faults(versions: dict[str, list[int]]) -> dict[str, list[int]]:
    """The persons whose versions are not 1, 2, 3 …"""
    return {key: found for key, found in versions.items() if found != list(range(1, len(found) + 1))}
