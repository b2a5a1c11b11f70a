"""What does a department really hear? Canaries in every field, and a reader of its topics that is not ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.deserializing_consumer import DeserializingConsumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from psycopg import sql

from bus.settings import ROOT
from tests.journeys.canaries import MARK, Aviary, Canary, Haystack
from tests.journeys.clerk import Clerk
from tests.journeys.databases import connect
from tests.journeys.hall import CONNECTORS, Hall, hall, until

pytestmark = pytest.mark.stack
OPEN, PARKED, PROTECTED, LATER, STAYS = "open", "parked", "protected", "protected-later", "protected-later-and-stays"


class Run:
    """A town whose week is over: everything is where it ends up, and nobody of the bus runs any more."""

    def __init__(self, made: Hall) -> None:
        self.hall, self.aviary = made, Aviary(made.entry)
        self.refusal = b""

    def play(self) -> None:
        clerk = Clerk(self.hall.entry, self.hall.settle(120))
        clerk.play_the_week()
        aviary = self.aviary
        for household in (OPEN, PARKED, LATER, STAYS):
            aviary.settle(household, protected=False)
        aviary.settle(PROTECTED, protected=True)
        until(self.hall.is_idle, 90, "all that was found arrives")
        self._refuses_a_name()
        for household in (LATER, STAYS):
            aviary.act("SHIEN_SOCHI_KAISHI", household, protected=True)
        for household in (PARKED, PARKED, STAYS):
            parts = ["address.town", "address.lot", "address.building"]
            aviary.act("TENKYO", household, parts, protected=household != PARKED)
        aviary.is_older_than_was_thought(PARKED)
        for household in (OPEN, PROTECTED, LATER):
            aviary.move_and_leave(household, protected=household != OPEN)
        self.hall.fleet.again(self.hall.fleet.kill("jido_teate"))
        self.refusal = self._is_refused_at_the_counter()
        until(self.hall.is_idle, 90, "everything arrives")
        assert self.hall.set_aside().keys() == {"kokuho"}
        parked = self.hall.outlook.stores["kokuho"].parked("kokuho")
        assert len({one.key for one in parked}) == 1
        assert len(parked) > 1  # the one refused, and what came behind it
        self.hall.fleet.stop()

    def _refuses_a_name(self) -> None:
        """A database that takes offence at a value: its complaint is a place where values leak."""
        name = next(c.text for c in self.aviary.canaries if (c.who, c.path) == (f"{PARKED}/child", "name.full"))
        with connect(self.hall.running.settings.departments["kokuho"]) as db:
            query = sql.SQL("ALTER TABLE household_members ADD CHECK (name <> {}) NOT VALID")
            db.execute(query.format(sql.Literal(name)))

    def _is_refused_at_the_counter(self) -> bytes:
        key = self.aviary.keys[f"{STAYS}/parent"]
        canary = self.aviary.canary("name.full", "refused", protected=True)
        wrong = {
            "reason": "SETAI_BUNRI",
            "effective": "2026-04-07",
            "persons": [{"key": key, "set": {"name.full": canary}}],
        }
        command = [sys.executable, "-m", "bus", "register", "enter", "-", "--home", str(self.hall.running.home)]
        done = subprocess.run(command, cwd=ROOT, input=json.dumps(wrong).encode(), capture_output=True, check=False)
        assert done.returncode == 1
        return done.stdout + done.stderr

    # Where canaries may have flown to --------------------------------------------------------------------------------

    def records(self, department: str) -> Haystack:
        """Of its topic: as its own user reads it, and as the broker wrote it."""
        parts: list[bytes | None] = []
        for record in self.hall.records(self.hall.topics[department], department):
            parts += [record.key, record.value]
            parts += [piece for name, value in record.headers for piece in (name.encode(), value)]
        read = Haystack(parts)
        segments = self.hall.running.home.glob(f"kafka/data-*/{self.hall.topics[department]}-*/*.log")
        written = Haystack(segment.read_bytes() for segment in segments)
        assert read.sing(self.aviary.canaries) == written.sing(self.aviary.canaries)
        return read

    def database(self, department: str, *, only: Collection[str] = ()) -> Haystack:
        """Every table in it, the bus's own too, as text and as the bytes that stand there; or some."""
        parts: list[bytes] = []
        with connect(self.hall.running.settings.departments[department]) as db:
            known = db.execute(
                "SELECT table_schema, table_name FROM information_schema.tables "
                "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
            ).fetchall()
            assert {"bus_parked", "bus_applied", *only} <= {table for _, table in known}
            for schema, table in known:
                for form in ("text", "binary") if not only or table in only else ():
                    query = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT " + form + ")").format(
                        sql.Identifier(schema, table)
                    )
                    with db.cursor().copy(query) as copy:
                        parts += [bytes(block) for block in copy]
        return Haystack(parts)

    def logs(self) -> dict[str, Haystack]:
        return {path.name: Haystack([path.read_bytes()]) for path in self.hall.running.home.joinpath("logs").iterdir()}


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with hall() as made:
        done = Run(made)
        done.play()
        yield done


@pytest.fixture(params=CONNECTORS)
def department(request) -> str:
    return request.param


def split(run: Run, department: str) -> tuple[list[Canary], list[Canary]]:
    granted = run.hall.wiring.topology.subscriptions[department].reads["juki.resident"]
    allowed = [canary for canary in run.aviary.canaries if canary.is_allowed(granted)]
    return allowed, [canary for canary in run.aviary.canaries if canary not in allowed]


def test_no_forbidden_canary_is_in_a_departments_topic(run, department):
    allowed, forbidden = split(run, department)
    records = run.records(department)

    assert records.sing(forbidden) == []

    assert len(forbidden) > 500
    heard = {canary.path for canary in allowed if canary.text in records}
    assert heard == {canary.path for canary in allowed}


def test_no_forbidden_canary_is_in_a_departments_database(run, department):
    allowed, forbidden = split(run, department)
    database = run.database(department)

    assert database.sing(forbidden) == []

    held = {canary.path for canary in allowed if canary.text in database}
    assert {"name.full", "name.kana"} <= held
    assert database.sing([canary for canary in allowed if canary.who.startswith(OPEN)])


def test_who_is_protected_later_has_no_address_in_what_is_kept(run, department):
    """What was heard before is history; what a department has in hand is not."""
    tables = run.hall.outlook.departments[department].tables
    kept = run.database(department, only=[table.name for table in tables if table.kept])
    stays = [canary for canary in run.aviary.canaries if canary.who.startswith(STAYS)]

    assert kept.sing([canary for canary in stays if canary.path.startswith("address.")]) == []

    assert kept.sing([canary for canary in stays if canary.path == "name.full"])


def test_the_canonical_topic_knows_every_canary(run):
    """The positive control: they all set out."""
    records = Haystack(record.value for record in run.hall.records(run.hall.canonical, "projector"))

    unheard = [canary.text for canary in run.aviary.canaries if canary.text not in records and canary.who != "refused"]

    assert unheard == []


def test_no_log_and_no_refusal_holds_a_canary(run):
    logs = run.logs()
    assert {"relay.log", "projector.log", "kafka-1.log", "postgres.log", *(f"{name}.log" for name in CONNECTORS)} <= {
        *logs
    }

    assert {name: log.sing(run.aviary.canaries) for name, log in logs.items() if MARK in log} == {}
    assert MARK.encode() not in run.refusal
    assert MARK not in Haystack([told(run, "dlq", "list"), told(run, "status"), told(run, "projector", "status")])

    assert "violates check constraint" in logs["postgres.log"]
    assert '"person_parked"' in logs["kokuho.log"]
    assert b"FIELD_NOT_HERE" in run.refusal


def told(run: Run, *words: str) -> bytes:
    command = [sys.executable, "-m", "bus", *words, "--home", str(run.hall.running.home), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert done.stdout
    return done.stdout + done.stderr


# A reader that is not ours --------------------------------------------------------------------------------------------


@contextmanager
def registry(home: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "bus", "registry", "serve", "--port", "0", "--json", "--home", str(home)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as served:
        try:
            yield json.loads(served.stdout.readline())["url"]
        finally:
            os.kill(served.pid, signal.SIGTERM)
            served.wait(20)


def test_a_foreign_client_decodes_every_record_of_every_department(run):
    counts: dict[str, dict[str, int]] = {}
    with registry(run.hall.running.home) as url, SchemaRegistryClient({"url": url}) as schemas:
        for department in CONNECTORS:
            values = read_as_a_stranger(run.hall, department, schemas)
            contract = run.hall.wiring.contracts.narrowed(department)
            own = [contract.read(record.value) for record in run.hall.records(run.hall.topics[department], department)]
            identity = lambda one: (one["key"], one["version"], one["id"], one["mode"])
            assert sorted(map(identity, values)) == sorted(map(identity, own))
            modes = [value["mode"] for value in values]
            counts[department] = {mode: modes.count(mode) for mode in sorted(set(modes))}
    assert all(counts[department]["DATA"] > 20 for department in CONNECTORS)
    assert {mode for modes in counts.values() for mode in modes} == {"DATA", "BARE", "REMOVED"}
    print(counts)


def read_as_a_stranger(made: Hall, department: str, schemas: SchemaRegistryClient) -> list[dict]:
    """With the department's own user and group, from the beginning to what is the end now."""
    settings = {
        **made.wiring.client(department),
        "group.id": department.replace("_", "-"),
        "enable.auto.commit": False,
        "value.deserializer": AvroDeserializer(schemas),
    }
    topic = made.topics[department]
    ends = {partition: end for (_, partition), end in made.outlook.broker.ends([topic]).items()}
    consumer = DeserializingConsumer(settings)
    found: list[dict] = []
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])

        def everything() -> bool:
            while (message := consumer.poll(0.2)) is not None:
                assert message.error() is None
                found.append(message.value())
            return len(found) >= sum(ends.values())

        until(everything, 60, "the stranger has read all")
    finally:
        consumer.close()
    return found
