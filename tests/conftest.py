"""What do tests share? One embedded stack per run, and in it databases and topics that nobody else uses."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bus.adapters.kafka_cluster import KafkaCluster
from bus.adapters.sql.admin import drop_database, make_database
from bus.settings import Settings
from bus.stack import kafka, postgres
from bus.stack.prepare import prepare
from bus.stack.process import Process
from bus.stack.stack import Stack
from bus.topology.cluster import CreateTopic, DeleteTopic, TopicState
from bus.topology.model import load


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="slow tests at their full length (make soak)")


@dataclass(frozen=True)
class Running:
    """A stack that runs, with the project's own topology in it."""

    stack: Stack
    settings: Settings
    admin: dict[str, Any]  # librdkafka's settings as the administrator
    pg_admin_dsn: str

    @property
    def home(self) -> Path:
        return self.stack.home.path

    @property
    def cluster(self) -> KafkaCluster:
        return KafkaCluster(self.admin, self.settings.users)

    def process(self, name: str) -> Process:
        state = self.stack.home.load()
        assert state is not None
        return state.processes[name]

    def pid(self, name: str) -> int:
        return self.process(name).pid

    def is_alive(self, name: str) -> bool:
        return self.process(name).is_alive

    def again(self) -> None:
        """As `bus stack up` once more."""
        start(self.home)


def start(home: Path, **how: Any) -> Running:
    """The same as `bus stack up --home HOME`; up again repairs."""
    settings = Settings.load(home=home)
    stack = Stack(home, maven=settings.maven)
    with stack.up(**how) as state:
        prepare(stack.home, state, load(settings.project / "topology.yaml"), print)
    return Running(stack, Settings.load(home=home), dict(kafka.client_of(stack.home, state)), postgres.admin_dsn(state))


@pytest.fixture(scope="session")
def stack() -> Iterator[Running]:
    """In the system's temporary folder, which the database's own user may enter; or one that runs already (mutants)."""
    if running := os.environ.get("BUS_TEST_HOME"):
        yield start(Path(running))
        return
    home = Path(tempfile.mkdtemp(prefix="bus-test-"))
    try:
        yield start(home)
    finally:
        Stack(home).down(purge=True)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def homes() -> Iterator[Callable[[], Path]]:
    """homes() -> a home of the test's own, ended and removed after it."""
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="bus-test-")))
        return made[-1]

    yield make
    for home in made:
        Stack(home).down(purge=True)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def own(homes: Callable[[], Path]) -> Callable[..., Running]:
    """own(brokers=3) -> a stack of the test's own, for tests that hurt it."""
    return lambda **how: start(homes(), **how)


@pytest.fixture
def database(stack: Running) -> Iterator[Callable[..., str]]:
    """database("kokuho") -> the URL of an empty database with a role of its own; gone after the test."""
    made: list[str] = []

    def make(name: str = "db") -> str:
        unique = f"t_{name}_{secrets.token_hex(4)}"
        password = secrets.token_hex(8)
        make_database(stack.pg_admin_dsn, unique, unique, password)
        made.append(unique)
        server = stack.pg_admin_dsn.rpartition("@")[2].partition("/")[0]
        return f"postgresql+psycopg://{unique}:{password}@{server}/{unique}"

    yield make
    for name in made:
        drop_database(stack.pg_admin_dsn, name, name)


@pytest.fixture
def topics(stack: Running) -> Iterator[Callable[..., str]]:
    """topics("juki", 4) -> the name of a new topic, set up like the bus's own; gone after the test."""
    made: list[str] = []
    cluster = stack.cluster

    def make(name: str = "topic", partitions: int = 1, **settings: str) -> str:
        unique = f"test.{name}.{secrets.token_hex(4)}"
        common = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "1000000"}
        cluster.do([CreateTopic(unique, TopicState(partitions, 1, common | settings))])
        made.append(unique)
        return unique

    yield make
    cluster.do([DeleteTopic(name) for name in made])
    cluster.close()
