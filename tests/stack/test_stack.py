"""Does the embedded stack start, stay itself, repair itself, and end without a trace?"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bus.adapters.kafka import KafkaBroker
from bus.errors import Unavailable, Usage
from bus.kit.brokers import read, said
from bus.stack.process import wait_until
from bus.stack.stack import Stack
from bus.wiring import Wiring
from tests.conftest import Running, start

pytestmark = pytest.mark.stack
Own = Callable[..., Running]


@pytest.fixture(scope="module")
def mine() -> Iterator[Running]:
    """A stack of this module's own, to be hurt; every test finds it running and leaves it so."""
    home = Path(tempfile.mkdtemp(prefix="bus-test-"))
    yield start(home)
    Stack(home).down(purge=True)
    shutil.rmtree(home, ignore_errors=True)


def query(dsn: str, text: str, **parts: str) -> list[tuple[object, ...]]:
    url = make_url(dsn).set(**parts)
    connection = psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database, autocommit=True
    )
    with connection:
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else []


def canonical(running: Running) -> str:
    return Wiring(running.settings).topology.canonical("juki.resident")


def processes_in(home: Path) -> list[int]:
    """Every process that names this home in its command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(home).encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_data_survive_down_and_up_and_the_death_of_any_process(mine: Running) -> None:
    running = mine
    topic = canonical(running)
    KafkaBroker(running.admin).publish(said(topic, 100))
    query(running.settings.bus_dsn, "CREATE TABLE kept AS SELECT 42 AS n")

    running.stack.down()
    assert processes_in(running.home) == []
    running.again()
    for name in ("kafka-1", "postgres"):
        os.kill(running.pid(name), signal.SIGKILL)
        assert wait_until(lambda name=name: not running.is_alive(name), 5)
    assert [process["healthy"] for process in running.stack.status()] == [False, False]
    running.again()

    assert len(read(KafkaBroker(running.admin).subscribe("g", [topic], {}), 100)) == 100
    assert query(running.settings.bus_dsn, "SELECT n FROM kept") == [(42,)]
    assert all(process["healthy"] for process in running.stack.status())


def test_a_second_up_changes_nothing(stack: Running) -> None:
    before = {process["name"]: process["pid"] for process in stack.stack.status()}
    remembered = (stack.home / "stack.json").read_text()

    stack.again()

    assert {process["name"]: process["pid"] for process in stack.stack.status()} == before
    assert (stack.home / "stack.json").read_text() == remembered


def test_two_homes_do_not_meet(stack: Running, mine: Running) -> None:
    other = mine

    ours, theirs = ({process["port"] for process in running.stack.status()} for running in (stack, other))
    assert ours.isdisjoint(theirs)
    with pytest.raises(Unavailable) as away:
        KafkaBroker(other.admin | {"bootstrap.servers": stack.settings.bootstrap}, patience=3).ends([canonical(other)])
    assert away.value.code == "AUTHENTICATION"
    other.stack.down()
    assert processes_in(other.home) == []
    assert all(process["healthy"] for process in stack.stack.status())
    other.again()


def test_every_role_enters_its_own_database_only(stack: Running) -> None:
    settings = stack.settings
    owned = {"register": settings.register_dsn, "bus": settings.bus_dsn, **settings.departments}
    databases = ["register", "bus", "postgres", "template1", *settings.departments]

    for own_database, dsn in owned.items():
        for database in databases:
            if database == own_database:
                assert query(dsn, "SELECT 1", database=database) == [(1,)]
            else:
                with pytest.raises(psycopg.OperationalError, match="permission denied"):
                    query(dsn, "SELECT 1", database=database)


def test_secrets_are_for_the_owner_only(stack: Running) -> None:
    state = json.loads((stack.home / "state.json").read_text())

    holders = [path for path in stack.home.rglob("*") if path.is_file() and path.stat().st_size < 100_000]
    for path in holders:
        if any(secret.encode() in path.read_bytes() for secret in state["secrets"].values()):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    seen = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes_in(stack.home))
    assert not any(secret.encode() in seen for secret in state["secrets"].values())


def test_an_occupied_port_is_told(mine: Running) -> None:
    running = mine
    port = {process["name"]: process["port"] for process in running.stack.status()}["kafka-1"]
    running.stack.down()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()

        with pytest.raises(Unavailable) as taken:
            running.again()

        assert taken.value.code == "PORT_TAKEN"
        assert "--new-ports" in (taken.value.hint or "")
        running.stack.down()
        start(running.home, new_ports=True)
        assert all(process["healthy"] for process in running.stack.status())


def test_a_stranger_on_the_pid_is_left_alone(mine: Running) -> None:
    home, stack = mine.home, mine.stack
    stack.down()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        state = stack.home.load()
        old = {"name": "kafka-1", "pid": stranger.pid, "started": "1", "since": "2026-01-01T00:00:00Z"}
        known = json.loads((home / "state.json").read_text())
        (home / "state.json").write_text(json.dumps(known | {"processes": {"kafka-1": old}}))

        with pytest.raises(Unavailable) as foreign:
            start(home)
        ended = stack.down()

        assert foreign.value.code == "FOREIGN_PROCESS"
        assert state is not None
        assert ended == []
        assert stranger.poll() is None
        start(home)
    finally:
        stranger.kill()
        stranger.wait()


def test_another_shape_is_refused_before_anything_happens(stack: Running) -> None:
    with pytest.raises(Usage, match="1 broker"):
        start(stack.home, brokers=3)


def test_a_full_disk_is_told(homes: Callable[[], Path]) -> None:
    home = homes()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(home)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small file system can only be mounted by root")
    try:
        with pytest.raises(Unavailable) as full:
            start(home)
    finally:
        subprocess.run(["umount", str(home)], check=True)

    assert full.value.code == "DISK_FULL"
    assert full.value.hint is not None


def test_tls_keeps_strangers_and_plain_text_out(own: Own) -> None:
    running = own(tls=True)
    topic = canonical(running)

    broker = KafkaBroker(running.admin)
    broker.publish(said(topic, 10))

    assert running.settings.security_protocol == "SASL_SSL"
    assert len(read(broker.subscribe("g", [topic], {}), 10)) == 10
    without = {name: value for name, value in running.admin.items() if name != "ssl.ca.location"}
    with pytest.raises(Unavailable) as away:
        KafkaBroker(without, patience=3).ends([topic])
    assert away.value.code == "TLS"


def test_purge_leaves_nothing(mine: Running) -> None:
    mine.stack.down(purge=True)

    assert [path.name for path in mine.home.iterdir()] == [".lock"]
    assert processes_in(mine.home) == []
    mine.again()  # a new stack, with nothing of the old


@pytest.mark.slow
def test_three_brokers_bear_the_death_of_any_one(own: Own) -> None:
    running = own(brokers=3)
    topic = canonical(running)
    broker = KafkaBroker(running.admin, patience=60)
    sent = said(topic, 100)

    for name in ("kafka-1", "kafka-2", "kafka-3"):
        os.kill(running.pid(name), signal.SIGKILL)
        broker.publish(sent)
        running.again()

    assert len(read(broker.subscribe("g", [topic], {}), 300)) >= 300
    assert running.cluster.read().topics[topic].settings["min.insync.replicas"] == "2"
