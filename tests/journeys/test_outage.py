"""Does everybody wait, and nobody give up, while Kafka or a department's database is away?"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bus.stack.process import end
from tests.journeys.clerk import Clerk
from tests.journeys.databases import connect
from tests.journeys.hall import CONNECTORS, Hall, hall, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]
PACE = 5.0  # movements a second
VICTIM = "kokuho"  # every resident concerns it


@pytest.fixture(scope="module")
def town() -> Iterator[tuple[Hall, Clerk]]:
    with hall() as made:
        clerk = Clerk(made.entry, made.settle(250))
        clerk.play_the_week()
        until(made.is_idle, 90, "the week arrives")
        yield made, clerk


@pytest.fixture
def length(request) -> float:
    return 300.0 if request.config.getoption("--full") else 20.0


def pass_by(seconds: float) -> None:
    threading.Event().wait(seconds)


@contextmanager
def nothing_happened(town: Hall) -> Iterator[None]:
    """The same processes do all that is left to do, nobody waits for a decision, and every table is right."""
    before = town.pids
    yield
    began = time.monotonic()
    until(town.is_idle, 90, "the backlog drains without anybody's help")
    print(f"drained {time.monotonic() - began:.1f} s after the outage")
    assert town.pids == before
    assert town.set_aside() == {}
    assert town.differences() == []


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


def goes_on_entering(town: Hall, committed: Callable[[], int], length: float) -> int:
    """Commits while nobody listens: at the pace of the counter, and all of them wait in the outbox."""
    before, waiting = committed(), town.unpublished()
    pass_by(length)
    entered, waits = committed() - before, town.unpublished() - waiting
    assert entered >= 0.8 * PACE * length
    assert waits >= entered
    print(f"{entered} movements were entered in {length:.0f} s of outage, {town.unpublished()} events waited")
    return entered


def test_kafka_stops_answering(town, length):
    """It hangs: connections stay open, and nobody is told anything."""
    made, clerk = town
    kafka = made.running.pid("kafka-1")
    with nothing_happened(made), clerk.at_work(PACE) as committed:
        pass_by(2)
        os.kill(kafka, signal.SIGSTOP)
        try:
            goes_on_entering(made, committed, length)
            assert state_of(kafka) == "T"
        finally:
            os.kill(kafka, signal.SIGCONT)


def test_kafka_is_gone(town, length):
    """It ends, and comes back as `bus stack up` brings it."""
    made, clerk = town
    kafka = made.running.process("kafka-1")
    with nothing_happened(made), clerk.at_work(PACE) as committed:
        pass_by(2)
        end(kafka, signal.SIGTERM, 15)
        goes_on_entering(made, committed, length)
        assert not made.running.is_alive("kafka-1")
        made.running.again()
        assert made.running.pid("kafka-1") != kafka.pid


def test_a_departments_database_is_away(town, length):
    """One department waits; the others do not even notice."""
    made, clerk = town
    others = [name for name in CONNECTORS if name != VICTIM]
    with nothing_happened(made), clerk.at_work(PACE) as committed:
        pass_by(2)
        with closed(made, VICTIM) as ended:
            assert ended > 0
            before, told, applied = committed(), made.told(VICTIM), {name: applied_by(made, name) for name in others}
            pass_by(length)
            assert committed() - before >= 0.8 * PACE * length
            assert made.told(VICTIM) - told >= 0.5 * PACE * length
            for name in others:
                until(lambda name=name: applied_by(made, name) > applied[name], 10, "the others go on")
            with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
                connect(made.running.settings.departments[VICTIM])
            print(f"{made.told(VICTIM) - told} records waited for {VICTIM}")
    assert '"dependency_unavailable"' in made.log(VICTIM)


def applied_by(made: Hall, department: str) -> int:
    return made.outlook.stores[department].progress(department).applied


@contextmanager
def closed(made: Hall, department: str) -> Iterator[int]:
    """Nobody gets into this database, and whoever is in is thrown out; gives how many were."""
    name = make_url(made.running.settings.departments[department]).database
    with connect(made.running.pg_admin_dsn) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
            yield server.execute(query, (name,)).fetchone()[0]
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
