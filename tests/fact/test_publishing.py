"""Does what departments say get out, each by itself, in order, whatever is killed?"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from bus.adapters.sql.engine import engine as connect
from bus.adapters.sql.facts import FactBook
from bus.errors import Refused, Unavailable
from bus.fact.say import Say
from bus.kit.publishing import Published, Publishers, worst
from bus.register.cursor import Row, disorder
from bus.settings import Settings
from bus.wiring import Wiring
from tests.fact.test_facts import begin
from tests.fact.toys import BEGINNING, IMAGES, LOAN, RECEIPT, contracts
from tests.register.relays import everything, until

ROOT = Path(__file__).resolve().parents[2]


def test_facts_of_two_kinds_under_one_key_have_each_their_own_versions():
    rows = [
        Row(1, "a", LOAN, "toy/1", 1, BEGINNING, b""),
        Row(2, "b", RECEIPT, "toy/1", 1, BEGINNING, b""),
        Row(3, "c", LOAN, "toy/1", 2, BEGINNING, b""),
    ]

    assert disorder(rows, {}) is None
    assert disorder(rows, {"toy.receipt:toy/1": 1}) == 1
    assert disorder([Row(1, "a", "juki.resident", "1", 3, BEGINNING, b"")], {"1": 1}) == 0


def test_what_stops_one_department_stops_nobody_else():
    started = threading.Barrier(3, timeout=10)

    def good(*, until_idle, stop):
        started.wait()
        return Published(5, 0)

    def away(*, until_idle, stop):
        started.wait()
        raise Unavailable("its database is away")

    def crash(*, until_idle, stop):
        started.wait()
        raise ZeroDivisionError

    publishers = Publishers({"good": good, "away": away, "crash": crash})

    publishers.run(until_idle=True)

    assert publishers.done == {"good": Published(5, 0)}
    assert {name: error.code for name, error in publishers.failed.items()} == {"away": "UNAVAILABLE", "crash": "FAILED"}
    assert worst(publishers.failed).code == "FAILED"  # waiting will not cure it
    assert worst({}) is None


def test_a_department_that_failed_is_tried_again_until_waiting_cannot_cure_it():
    tried = []

    def again(*, until_idle, stop):
        tried.append(1)
        if len(tried) < 3:
            raise Unavailable("its database is away")
        raise Refused("its versions are in disorder", code="VERSION_ORDER")

    publishers = Publishers({"again": again}, pause=0.01)

    publishers.run(until_idle=False)

    assert len(tried) == 3
    assert publishers.failed["again"].code == "VERSION_ORDER"


@pytest.fixture
def toy(stack, database, topics, tmp_path):
    """A department's book, and the process options of its relay."""
    options = {
        "dsn": database("toy"), "client": stack.admin, "schemas": str(tmp_path / "schemas"), "until_idle": False,
        "topics": {entity: topics("toy", 2) for entity in IMAGES},
    }  # fmt: skip
    made = connect(options["dsn"])
    book = FactBook(made, contracts(tmp_path / "schemas"), system="toy", town="999999")
    book.prepare()
    yield book, options
    made.dispose()


def start(options, **more):
    command = [sys.executable, "-m", "tests.fact.relaying", json.dumps(options | more)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def position(book):
    with book.engine.connect() as db:
        return db.execute(text("SELECT cursor FROM bus_lease")).scalar_one()


def heard(book, options, entity):
    """Per key what came, each event once, in the order in which it first came."""
    contract, found = book.contracts.canonical(entity), {}
    for record in everything(options["client"], options["topics"][entity]):
        event = contract.decode(record.value)
        assert record.key == event.key.encode()
        if event not in (events := found.setdefault(event.key, [])):
            events.append(event)
    return found


def talk(book, enough):
    """Says one thing after the other until told that it is enough."""
    turn = 0
    while not enough.is_set():
        turn += 1
        keys = [f"toy/{number}" for number in range(turn % 7, 40, 7)]
        book.say(None, [Say(LOAN, key, "HENKO", {"amount": turn}, "2026-05-01") for key in keys])
        book.say(None, [Say(RECEIPT, f"toy/{turn}", "KETTEI", {"person": "1"}, "2026-04-01")])


@pytest.mark.stack
def test_nothing_is_lost_or_reordered_while_a_department_s_relay_is_killed(toy):
    book, options = toy
    book.say(None, [begin(f"toy/{number}") for number in range(40)])
    kills, enough = 0, threading.Event()

    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(talk, book, enough)
        while kills < 4:
            child, before = start(options), position(book)
            until(lambda: position(book) > before, 60, "the relay works")  # noqa: B023 - asked at once
            assert child.poll() is None, "it ended by itself"
            child.kill()
            child.communicate()
            kills += 1
        enough.set()
        talking.result(20)
    book.say(None, [begin("toy/last")])
    last = start(options, until_idle=True)
    said, _ = last.communicate(timeout=60)

    assert json.loads(said)["published"] > 0
    for entity in (LOAN, RECEIPT):
        assert heard(book, options, entity) == {events[0].key: events for events in book.histories(entity)}


@pytest.mark.stack
def test_a_relay_that_is_asked_to_leave_gives_its_lease_back(toy):
    book, options = toy
    child = start(options)
    book.say(None, [begin()])
    until(lambda: position(book) == 1, 15, "the relay works")

    child.terminate()
    child.communicate(timeout=20)

    with book.engine.connect() as db:
        assert db.execute(text("SELECT holder FROM bus_lease")).scalar_one() is None
    assert child.returncode == 0


def bus(home, *words):
    command = [sys.executable, "-m", "bus", *words, "--home", str(home), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.stack
def test_a_department_publishes_as_its_own_user_from_its_own_database(stack):
    wiring, key = Wiring(Settings.load(home=stack.home)), f"kokuho/{uuid.uuid4().hex[:12]}"
    book = wiring.facts("kokuho")
    book.prepare()
    (said,) = book.say(None, [Say("kokuho.decision", key, "KETTEI", {"state": "rejected"}, "2026-04-01")])

    waiting = bus(stack.home, "outbox", "status", "--of", "kokuho")
    ran = bus(stack.home, "relay", "run", "--of", "kokuho", "--until-idle", "--quiet")
    left = bus(stack.home, "outbox", "status", "--of", "kokuho")
    stranger = bus(stack.home, "relay", "run", "--of", "nobody", "--until-idle")

    assert (waiting[0], waiting[1]["unpublished"]) == (0, 1)
    assert (ran[0], ran[1]["published"], ran[1]["failed"]) == (0, 1, [])
    assert left[1]["unpublished"] == 0
    assert (stranger[0], stranger[1]["error"]["code"]) == (2, "USAGE")
    contract = wiring.contracts.canonical("kokuho.decision")
    assert said in [contract.decode(record.value) for record in everything(stack.admin, contract.topic)]
    book.engine.dispose()


@pytest.mark.stack
def test_staff_decide_on_the_command_line_and_the_decision_is_published(stack):
    wiring, event = Wiring(Settings.load(home=stack.home)), str(uuid.uuid4())
    book = wiring.facts("kokuho")
    table = next(one for one in wiring.connector("kokuho").tables if not one.kept)
    with closing(wiring.store("kokuho")) as store:
        store.prepare(wiring.connector("kokuho").tables)
    with book.engine.begin() as db:
        insert = f"INSERT INTO {table.name} (event_id, kind, person) VALUES (:event, 'REGISTER', '0001')"
        db.execute(text(insert), {"event": event})

    _, waiting = bus(stack.home, "connector", "proposals", "kokuho")
    _, shown = bus(stack.home, "connector", "proposals", "kokuho", "--reveal", "--reason", "a test")
    silent = bus(stack.home, "connector", "decide", "kokuho", event, "--confirm")
    done = bus(stack.home, "connector", "decide", "kokuho", event, "--confirm", "--reason", "seen at the window")
    again = bus(stack.home, "connector", "decide", "kokuho", event, "--reject", "--reason", "another opinion")

    (mine,) = [one for one in waiting if one["event_id"] == event]
    assert (mine["request"], mine["state"]) == (table.name, "received")
    assert "values" not in mine
    assert [one["values"]["person"] for one in shown if one["event_id"] == event] == ["0001"]
    assert (silent[0], silent[1]["error"]["code"]) == (5, "REASON_REQUIRED")
    assert (done[0], done[1]["state"], len(done[1]["facts"])) == (0, "confirmed", 1)
    assert (again[0], again[1]["error"]["code"]) == (1, "DECIDED")
    assert [one.entity for one in book.caused(event)] == ["kokuho.decision"]
    with book.engine.begin() as db:
        db.execute(text(f"DELETE FROM {table.name} WHERE event_id = :event"), {"event": event})
    book.engine.dispose()
