"""A town for a journey: a stack of its own, relay, projector and five connectors as processes, one register."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from bus.adapters.kafka import KafkaBroker
from bus.broker import Record
from bus.demo.fleet import Died, Fleet
from bus.demo.outlook import Outlook
from bus.demo.proof import prove
from bus.errors import BusError
from bus.event import RESIDENT
from bus.register.entry import Entry
from bus.resident import codes
from bus.resident.load import load
from bus.settings import ROOT
from bus.stack.stack import Stack
from bus.town.town import Town, build
from bus.town.week import JAPAN
from bus.wiring import Wiring
from tests.conftest import Running, start

DAY = date(2026, 4, 5)
CONNECTORS = ("jido_teate", "kaigo", "kojin_juminzei", "kokuho", "shugaku")


class Hall:
    def __init__(self, running: Running) -> None:
        self.running = running
        self.wiring = Wiring(running.settings)
        self.fleet = Fleet(running.settings)
        self.outlook = Outlook(self.wiring, CONNECTORS)
        self.entry = Entry.open(
            self.wiring.engine("register"), self.wiring.contracts.canonical(), self.wiring.topology.town
        )

    def open(self) -> None:
        self.fleet.start({"relay": ["relay", "run"], "projector": ["projector", "run"]})
        self.fleet.start({name: ["connector", "run", name] for name in CONNECTORS})

    def settle(self, size: int, seed: int = 7) -> Town:
        """Everybody who lives here comes on the register, as it was found."""
        town = build(size, seed, DAY)
        file = self.running.home / "town.csv"
        file.write_text(town.csv(ROOT / "schemas" / "layouts" / "mado-122.yaml"), encoding="utf-8")
        recorded = datetime(DAY.year, DAY.month, DAY.day, 18, tzinfo=JAPAN)
        report = load(self.entry, file, codes.layout(ROOT / "schemas", "mado-122"), recorded=recorded)
        assert report.loaded == size
        return town

    def close(self) -> None:
        self.outlook.close()
        self.entry.engine.dispose()

    def tell(self) -> None:
        """What everybody said last: after a failure nothing else is left."""
        print(f"relay: {self.outlook.outboxes['register'].status()}")
        for log in sorted(self.running.home.joinpath("logs").iterdir()):
            last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-6:]
            print(f"── {log.name}", *(line[:300] for line in last), sep="\n   ")

    # What is to be seen ----------------------------------------------------------------------------------------------

    @property
    def pids(self) -> dict[str, int]:
        """Of the bus's own processes, all of which must live."""
        self.fleet.check()
        return {name: process.pid for name, (process, _) in self.fleet.running.items()}

    @cached_property
    def topics(self) -> dict[str, str]:
        return {name: self.wiring.topology.narrowed(name, RESIDENT) for name in CONNECTORS}

    @cached_property
    def canonical(self) -> str:
        return self.wiring.topology.canonical(RESIDENT)

    def unpublished(self) -> int:
        return sum(shard["unpublished"] for shard in self.outlook.outboxes["register"].status())

    def told(self, department: str) -> int:
        """How many records stand in its topic."""
        return sum(self.outlook.broker.ends([self.topics[department]]).values())

    def is_idle(self) -> bool:
        self.fleet.check()
        return self.outlook.backlog().is_empty

    def set_aside(self) -> dict[str, int]:
        """Who waits for a decision, anywhere on the way."""
        found = {name: len(store.parked(name)) for name, store in self.outlook.stores.items()}
        found["projector"] = len(self.outlook.positions.held())
        found["relay"] = len(self.outlook.outboxes["register"].waiting())
        return {where: waiting for where, waiting in found.items() if waiting}

    def differences(self) -> list[str]:
        """Tables that are not what the register alone says, by independent recomputation."""
        departments = prove(self.wiring, self.outlook, self.entry)
        assert len(departments) == len(CONNECTORS)
        assert all(any(finding.actual for finding in department.findings) for department in departments)
        return [
            f"{department.id}.{finding.table}: {finding.as_dict()}"
            for department in departments
            for finding in department.findings
            if not finding.equal
        ]

    def records(self, topic: str, principal: str) -> list[Record]:
        """Everything in a topic, read with the rights of `principal`."""
        with closing(KafkaBroker(self.wiring.client(principal))) as broker:
            ends = broker.ends([topic])
            reader = broker.subscribe(principal.replace("_", "-"), [topic], {})
            found: list[Record] = []
            try:
                until(
                    lambda: found.extend(reader.poll(5_000, 0.2)) or len(found) >= sum(ends.values()), 60, "all is read"
                )
            finally:
                reader.close()
        return found

    def log(self, name: str) -> str:
        return Path(self.fleet.log(name)).read_text(encoding="utf-8", errors="replace")


def until(true: Callable[[], bool], seconds: float, what: str, pause: float = 0.1) -> None:
    """An outage of what is asked is no answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except Died:
            raise
        except BusError:
            pass
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        threading.Event().wait(pause)


@contextmanager
def hall() -> Iterator[Hall]:
    """In the system's temporary folder, which the database's own user may enter; nothing of it is left afterwards."""
    home = Path(tempfile.mkdtemp(prefix="bus-test-"))
    try:
        made = Hall(start(home))
        try:
            made.open()
            yield made
        except BaseException:
            made.tell()
            raise
        finally:
            made.close()
    finally:
        Stack(home).down(purge=True)
        shutil.rmtree(home, ignore_errors=True)
