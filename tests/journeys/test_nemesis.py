"""Do five departments end as if nothing had happened, while everything on the way to them is killed again and again?"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from random import Random

import pytest
from sqlalchemy import text

from bus.adapters.sql.admin import make_database
from bus.adapters.sql.store import open_store
from bus.connector.ownership import LEASE
from bus.settings import ROOT
from tests.journeys.clerk import Clerk
from tests.journeys.hall import CONNECTORS, Hall, hall, until

pytestmark = [pytest.mark.stack, pytest.mark.slow]
FROZEN = "kaigo"  # its process is stopped, and another one takes over
STANDBY = "kaigo-standby"


class Nemesis:
    """Kills what works, never what has not begun to; and whatever it kills is started again at once."""

    def __init__(self, made: Hall) -> None:
        self.hall = made
        self.kills: dict[str, int] = {}
        self._register = made.wiring.engine("relay")
        self._marks = dict.fromkeys(("relay", "projector", *CONNECTORS), -1)

    def strike(self, name: str, chance: Random) -> None:
        until(lambda: self._works(name), 60, f"{name} works", pause=0.005)
        threading.Event().wait(chance.choice((0.0, chance.uniform(0.0, 0.3))))  # half of them in what had piled up
        kill = self.hall.fleet.kill(name)
        assert kill.signal == signal.SIGKILL
        self._marks[name] = self._position(name)[1]
        self.hall.fleet.again(kill)
        role = name if name in {"relay", "projector"} else "connector"
        self.kills[role] = self.kills.get(role, 0) + 1

    def _works(self, name: str) -> bool:
        """This very process owns its work, and has got on with it."""
        self.hall.fleet.check()
        pids, position = self._position(name)
        return self.hall.pids[name] in pids and position > self._marks[name]

    def _position(self, name: str) -> tuple[set[int], int]:
        if name == "relay":
            with self._register.connect() as db:
                rows = db.execute(text("SELECT holder, cursor FROM bus_lease")).all()
            return {int(row.holder.split(":")[1]) for row in rows if row.holder}, sum(row.cursor for row in rows)
        if name == "projector":
            owner = self.hall.outlook.positions.owner(name)
            done = sum(self.hall.outlook.positions.offsets(name).values())
            return {int(owner[0].split("/")[-2])} if owner else set(), done
        store = self.hall.outlook.stores[name]
        return {owner_of(self.hall, name)}, sum(store.offsets(name).values())


def owner_of(made: Hall, connector: str) -> int:
    owner = made.outlook.stores[connector].owner(connector)
    return int(owner.holder.split("/")[-2]) if owner else 0


@contextmanager
def frozen(made: Hall) -> Iterator[None]:
    """The connector's process stops breathing; a second one owns the department before the block begins.

    Afterwards the first is thawed, with work before it, and has to find out that it is nobody any more.
    """
    process, child = made.fleet.running.pop(FROZEN)
    until(lambda: owner_of(made, FROZEN) == process.pid, 60, "the first one owns it")
    os.kill(process.pid, signal.SIGSTOP)
    try:
        since = time.monotonic()
        made.fleet.start({STANDBY: ["connector", "run", FROZEN]})
        until(lambda: owner_of(made, FROZEN) == made.pids[STANDBY], 90, "the second one takes over")
        assert time.monotonic() - since > LEASE / 2
        before = made.outlook.stores[FROZEN].progress(FROZEN).applied
        yield
        until(lambda: made.outlook.stores[FROZEN].progress(FROZEN).applied > before, 60, "the second one works")
    finally:
        os.kill(process.pid, signal.SIGCONT)
    try:
        code = child.wait(60)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        raise
    assert (code, json.loads(made.log(FROZEN).splitlines()[-1])["error"]["code"]) == (1, "FENCED")


@pytest.fixture
def scale(request) -> tuple[int, int, float]:
    """(movements, kills of each, movements a second)"""
    return (5_000, 20, 25.0) if request.config.getoption("--full") else (600, 4, 20.0)


def test_five_departments_end_as_if_nothing_had_happened(scale):
    movements, kills, pace = scale
    with hall() as made:
        clerk = Clerk(made.entry, made.settle(300))
        nemesis, chance = Nemesis(made), Random(20260401)
        others = [name for name in CONNECTORS if name != FROZEN]
        victims = ["relay", "projector"] * kills + [chance.choice(others) for _ in range(kills)]
        chance.shuffle(victims)
        clerk.play_the_week()
        with clerk.at_work(pace), frozen(made):
            for number, victim in enumerate(victims, 1):
                nemesis.strike(victim, chance)
                share = movements * number // len(victims)  # the kills are spread over all that is entered
                until(lambda share=share: len(clerk.said) >= share, 120, "the counter keeps pace")
        until(made.is_idle, 120, "everybody catches up")

        assert nemesis.kills == {"relay": kills, "projector": kills, "connector": kills}
        assert made.outlook.stores[FROZEN].progress(FROZEN).fenced > 0
        assert made.set_aside() == {}
        everything_was_published_in_order(made, clerk)
        assert made.differences() == []
        hashes = {name: table_hashes(made, name, made.wiring.settings.departments[name]) for name in CONNECTORS}
        assert hashes == clean_run(made)
        stale = {name: made.outlook.stores[name].progress(name).stale for name in CONNECTORS}
        print(f"{len(clerk.said)} movements, {len(clerk.events)} events, {nemesis.kills}, dropped as known: {stale}")


def everything_was_published_in_order(made: Hall, clerk: Clerk) -> None:
    """What the register acknowledged stands in the canonical topic, per person 1, 2, 3 …; nothing else does."""
    contract, firsts, again = made.wiring.contracts.canonical(), {}, 0
    for record in made.records(made.canonical, "projector"):
        event = contract.decode(record.value)
        versions = firsts.setdefault(event.key, {})
        again += event.version in versions
        assert versions.setdefault(event.version, event.id) == event.id
    published = {id for versions in firsts.values() for id in versions.values()}
    assert all(list(versions) == list(range(1, len(versions) + 1)) for versions in firsts.values())
    assert {event.id for event in clerk.events} <= published
    assert published == {event.id for history in made.entry.histories() for event in history}
    print(f"{len(published)} events, {again} of them twice in the canonical topic")


def table_hashes(made: Hall, name: str, dsn: str) -> dict[str, str]:
    """Of every table's rows, in one order; appended events are there once."""
    found: dict[str, str] = {}
    tables = made.outlook.departments[name].tables
    with closing(open_store(dsn)) as store:
        store.prepare(tables)
        for table in tables:
            rows = store.rows(table.name)
            assert table.kept or len({row[0] for row in rows}) == len(rows), f"{table.name} holds an event twice"
            found[table.name] = hashlib.sha256(repr(rows).encode()).hexdigest()
    assert any(store_is_filled(digest) for digest in found.values())
    return found


def store_is_filled(digest: str) -> bool:
    return digest != hashlib.sha256(b"[]").hexdigest()


def clean_run(made: Hall) -> dict[str, dict[str, str]]:
    """The same topics, read into empty databases by connectors that nobody disturbs."""
    environment, dsns = dict(os.environ), {}
    server = made.running.pg_admin_dsn.rpartition("@")[2].partition("/")[0]
    for name in CONNECTORS:
        clean, password = f"clean_{name}", secrets.token_hex(8)
        make_database(made.running.pg_admin_dsn, clean, clean, password)
        dsns[name] = f"postgresql+psycopg://{clean}:{password}@{server}/{clean}"
        environment[f"BUS_DEPARTMENT_{name.upper()}"] = dsns[name]
    command = [sys.executable, "-m", "bus", "connector", "run", *CONNECTORS, "--until-idle", "--json", "--quiet"]
    done = subprocess.run(
        [*command, "--home", str(made.running.home)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: table_hashes(made, name, dsn) for name, dsn in dsns.items()}
