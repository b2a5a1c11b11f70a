"""Does a relay outlive what it depends on, and go on by itself?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from zlib import crc32

import pytest
from sqlalchemy import text

from bus.adapters.sql.engine import engine as connect
from bus.errors import BusError
from bus.topology.cluster import Acl, CreateTopic, DeleteTopic, Grant, Revoke, TopicState
from tests.register import relaying, relays as observed, writers
from tests.register.relays import ROOT, Relays, until

pytestmark = pytest.mark.stack


@pytest.fixture
def register(database):
    made = connect(database("register"))
    writers.install(made)
    yield made
    made.dispose()


@pytest.fixture
def relays(stack, register, topics):
    dsn = register.url.render_as_string(hide_password=False)
    options = {"dsn": dsn, "client": stack.admin, "topic": topics("juki", 4), "lease": 3.0, "patience": 2.0}
    made = Relays(register, options)
    yield made
    made.close()


def say(register, first: int, last: int) -> set[tuple[str, int, str]]:
    with register.begin() as db:
        return {(one.key, one.version, one.id) for n in range(first, last) if (one := writers.say(db, f"0{n}"))}


@contextmanager
def database_away(stack, name: str):
    """Nobody may connect, and whoever was connected is thrown out."""
    admin = connect(stack.pg_admin_dsn).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as db:
            db.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :name"
            yield db.execute(text(query), {"name": name}).scalar_one()
    finally:
        with admin.connect() as db:
            db.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
        admin.dispose()


@contextmanager
def brokers_frozen(stack):
    processes = stack.stack.home.load().processes
    pids = [process.pid for name, process in processes.items() if name.startswith("kafka")]
    assert pids
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_relay_waits_for_the_register_and_goes_on_by_itself(stack, register, relays):
    pid = relays.start()
    promised = say(register, 1, 50)
    relays.wait_until_all_is_said()
    promised |= say(register, 50, 100)
    register.dispose()

    with database_away(stack, register.url.database) as thrown_out:
        assert thrown_out > 0
        with pytest.raises(Exception, match="not currently accepting connections"), register.connect():
            pass
    promised |= say(register, 1, 150)
    relays.wait_until_all_is_said()

    versions, seen = observed.first_occurrences(observed.everything(stack.admin, relays.topic))
    assert relays.holders()[pid] == 4, "the same process"
    assert seen == promised
    assert observed.faults(versions) == {}


def test_the_register_goes_on_while_the_broker_is_away_and_the_backlog_drains_by_itself(stack, register, relays):
    pid = relays.start()
    promised = say(register, 1, 50)
    relays.wait_until_all_is_said()
    before = relays.position()

    with brokers_frozen(stack):
        for first in range(1, 200, 20):
            promised |= say(register, first, first + 20)
        until(lambda: relays.complaints("relay") > 0, 30, "the relay notices")
        assert relays.position() == before, "nothing is marked that is not acknowledged"
    relays.wait_until_all_is_said()

    versions, seen = observed.first_occurrences(observed.everything(stack.admin, relays.topic))
    assert relays.holders()[pid] == 4, "the same process"
    assert seen == promised
    assert observed.faults(versions) == {}


TOWN = "999998"  # its topic is not shared with the tests that run the project's own town


@pytest.fixture
def town(stack):
    """A canonical topic of another town, into which the relay may write."""
    topic, cluster = f"{TOWN}.juki.resident.v1", stack.cluster
    grants = [Grant(Acl("relay", operation, "TOPIC", topic)) for operation in ("WRITE", "DESCRIBE")]
    cluster.do([CreateTopic(topic, TopicState(4, 1, {})), *grants])
    yield TOWN
    cluster.do([*(Revoke(grant.acl) for grant in grants), DeleteTopic(topic)])
    cluster.close()


def test_the_command_says_how_far_it_is_and_publishes_what_is_left(stack, register, town):
    dsn = register.url.render_as_string(hide_password=False)
    environment = os.environ | {"BUS_HOME": str(stack.home), "BUS_RELAY_DSN": dsn}

    def bus(*words: str) -> dict:
        command = [sys.executable, "-m", "bus", *words, "--json", "--town", town]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return json.loads(done.stdout)

    say(register, 1, 101)

    before, run, after = bus("outbox", "status"), bus("relay", "run", "--until-idle"), bus("outbox", "status")

    assert (before["unpublished"], before["gap"], before["holder"], before["epoch"]) == (100, None, None, 0)
    assert before["oldest_unpublished_seconds"] > 0
    assert run == {"published": 100, "fenced": 0}
    assert (after["unpublished"], after["oldest_unpublished_seconds"], after["holder"]) == (0, None, None)
    assert after["epoch"] == 1
    assert len(after["shards"]) == 4


def test_the_command_keeps_the_days_that_somebody_may_still_need(stack):
    command = [sys.executable, "-m", "bus", "outbox", "maintain", "--days", "3", "--json"]
    environment = os.environ | {"BUS_HOME": str(stack.home)}

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stdout
    days = json.loads(done.stdout)["days"]
    assert len(days) >= 3
    assert {day["waits_for"] for day in days} == {"the day is not over"}


def test_a_version_out_of_order_stops_its_shard_by_name_and_no_other(stack, register, relays):
    promised = say(register, 1, 60)
    with register.begin() as db:
        db.execute(text("UPDATE person SET version = version + 1 WHERE key = '01'"))  # an event was forgotten
        wrong = writers.say(db, "01")
    later = say(register, 2, 60)
    relay = relaying.made(relays.options)

    with pytest.raises(BusError) as stopped:
        relay.run(until_idle=True)

    shard = crc32(b"01") % 4
    _, seen = observed.first_occurrences(observed.everything(stack.admin, relays.topic))
    assert stopped.value.code == "VERSION_ORDER"
    assert wrong.id in stopped.value.message
    assert stopped.value.where.startswith(f"outbox/{shard}/")
    assert promised <= seen
    assert {one for one in later if crc32(one[0].encode()) % 4 != shard} <= seen
    assert (wrong.key, wrong.version, wrong.id) not in seen
