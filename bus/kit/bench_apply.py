"""How fast does a department's table follow its topic, exactly once, beside what a vendor would write?

Real Kafka, real PostgreSQL over TCP, in a stack of its own. Everybody reads the same records (58 fields, of which 42
columns are kept) and brings the rows of persons who are there already to their next version, with the offsets in the
same transaction. We do more in that time: digest, headers and strictness of every record, the version guard per person,
the owner's fence.
"""

from __future__ import annotations

import io
import json
import random
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from bus.adapters.kafka import KafkaBroker
from bus.adapters.kafka_cluster import KafkaCluster
from bus.adapters.sql import admin
from bus.adapters.sql.engine import engine
from bus.adapters.sql.store import open_store
from bus.broker import Message, Record
from bus.change import Row
from bus.codec.strict import to_micros
from bus.connector.guard import digest
from bus.connector.intake import Intake
from bus.connector.runner import Runner
from bus.contract.framing import headers
from bus.contract.schema import Contract, Contracts
from bus.dates import Uncertain
from bus.errors import Usage
from bus.kit.bench import Contender, Race
from bus.kit.bench_codec import events
from bus.language.mapping import compiled, mirrored
from bus.language.words import Envelope, Field, Plan
from bus.reading.law import Law
from bus.settings import ROOT
from bus.stack import kafka, postgres
from bus.stack.stack import Stack
from bus.store import Column, Table
from bus.topology.cluster import CreateTopic, TopicState

PACKAGES: Final = ("confluent-kafka", "fastavro", "psycopg", "sqlalchemy")
TARGETS: Final = {"confluent": 5.0}
COUNT: Final = 80_000
BATCH: Final = 2_000
ENTITY: Final = "juki.resident"

_FAMILIES: Final[Mapping[str, Sequence[str]]] = {
    "name": ("full", "family", "given", "kana", "family_kana", "given_kana"),
    "household": ("no", "relation_code", "relation", "head_name", "order"),
    "address": (
        "municipality_code",
        "town_code",
        "prefecture",
        "city",
        "town",
        "lot",
        "building",
        "postal_code",
        "district",
    ),
    "previous": ("municipality_code", "town_code", "prefecture", "city", "town", "lot", "postal_code"),
    "honseki": ("full", "town", "lot", "municipality_code", "head_full"),
    "foreign": ("country_code", "status_code"),
}
_DAYS: Final = ("birth", "resident_since", "address.since", "movement.date", "movement.notified_on")
# 44 fields of the image; with the 14 of the envelope 58, as in the study.
GRANTED: Final = (
    "is_resident", "sex", "birth_era", "state", "resident_type", *_DAYS,
    *(f"{family}.{name}" for family, members in _FAMILIES.items() for name in members),
)  # fmt: skip
_NOT_KEPT: Final = {"is_resident", "state", "household.order", "honseki.head_full"}
WORDS: Final = tuple(f"{path}.earliest" if path in _DAYS else path for path in GRANTED if path not in _NOT_KEPT)
COLUMNS: Final = tuple(path.replace(".", "_") for path in WORDS)


@dataclass
class _Town:
    """What a contract has to know of a topology."""

    town: str = "999999"
    topics: Mapping[str, Any] = field(default_factory=lambda: {ENTITY: SimpleNamespace(schema="juki/resident.1")})
    subscriptions: Mapping[str, Any] = field(
        default_factory=lambda: {"bench": SimpleNamespace(reads={ENTITY: GRANTED})}
    )

    def canonical(self, entity: str) -> str:
        return f"{self.town}.{entity}.v1"

    def narrowed(self, sub: str, entity: str) -> str:
        return f"{self.town}.{sub}.in.{entity}.v1"


class _Department:
    """42 columns of a person: the key, whether protected, and forty cells."""

    paths = tuple(sorted(WORDS))

    def __init__(self, table: str) -> None:
        plans = (Plan(table, True, (Envelope("protected"), *(Field(path) for path in WORDS))),)
        self.plan = compiled(plans, self.paths, (), Law({}))
        kinds = ["date" if path.endswith(".earliest") else "text" for path in WORDS]
        cells = [Column(name, kind) for name, kind in zip(COLUMNS, kinds, strict=True)]
        self.table = Table(table, (Column("person", "text"), Column("protected", "bool"), *cells), kept=True)
        self.mirror = (self.table, mirrored(plans) or ())


@dataclass
class _Ground:
    """The stack, the topic that is full, and the database."""

    client: dict[str, Any]
    dsn: str
    contract: Contract
    contracts: Contracts
    records: Sequence[Message]
    before: Sequence[Row]

    @property
    def conninfo(self) -> str:
        return self.dsn.replace("postgresql+psycopg", "postgresql")


def races(peers: Sequence[str], _wiring: Any = None, count: int = COUNT) -> Iterator[Race]:
    known = {"confluent": _by_confluent, "fastavro": _by_fastavro}
    if strangers := set(peers) - known.keys():
        raise Usage(f"no such peer: {', '.join(sorted(strangers))}", hint=", ".join(known))
    with _ground(count) as ground:
        chosen = [(name, make(ground)) for name, make in known.items() if name in (peers or known)]
        theirs = [
            Contender(name, _peer(ground, name, read), before=partial(_fill, ground, name)) for name, read in chosen
        ]
        ours = Contender("bus", lambda: _ours(ground), before=lambda: _fill(ground, "bus"))
        yield Race(
            "apply 42 columns",
            count,
            ours,
            theirs,
            TARGETS,
            lambda one, other: _hash(ground, one) == _hash(ground, other),
        )


@contextmanager
def _ground(count: int) -> Iterator[_Ground]:
    home = Path(tempfile.mkdtemp(prefix="bus-bench-"))
    stack = Stack(home)
    try:
        with stack.up() as state:
            password = secrets.token_hex(12)
            admin.provision(postgres.admin_dsn(state), [admin.Database("bench", "bench")], {"bench": password})
            dsn = f"postgresql+psycopg://bench:{password}@127.0.0.1:{state.port('postgres')}/bench"
            client = dict(kafka.client_of(stack.home, state))
        contracts = Contracts.provisional(ROOT / "schemas", _Town())
        contract = contracts.narrowed("bench")
        records = _messages(contract, count)
        ground = _Ground(client, dsn, contract, contracts, records, _before(contract, records))
        cluster = KafkaCluster(client, {})
        cluster.do([CreateTopic(contract.topic, TopicState(4, 1, {}))])
        cluster.close()
        broker = KafkaBroker(client)
        broker.publish(ground.records)
        broker.close()
        yield ground
    finally:
        stack.down(purge=True)
        shutil.rmtree(home, ignore_errors=True)


def _messages(contract: Contract, count: int) -> list[Message]:
    """Version 2 of everybody, in an order that has nothing to do with the table's."""
    made = []
    for event in events(count):
        micros = to_micros(event["recorded"])
        effective = Uncertain.on(event["effective"])
        body = (event["kind"] if event["kind"] != "END" else "AMEND", event["reason"], effective, None, None, False)
        values = [_cell(event, path) for path in contract.paths]
        value = contract.encode_narrowed(
            event["id"], event["key"], 2, micros, "DATA", body, values, incarnation="bench"
        )
        outside = headers(contract, id=event["id"], recorded=event["recorded"], value=value)
        made.append(Message(contract.topic, event["key"].encode(), value, outside))
    random.Random(2).shuffle(made)
    return made


def _cell(event: Mapping[str, Any], path: str) -> Any:
    days = {"birth": event["birth"], "movement.date": event["effective"], "movement.notified_on": event["notified_on"]}
    if path in _DAYS:
        return Uncertain.on(days.get(path) or event["resident_since"])
    if path == "is_resident":
        return event["is_resident"]
    family, _, name = path.rpartition(".")
    if family == "honseki":
        return event["honseki_head"] if name == "head_full" else event["honseki"] if name == "full" else None
    if family == "foreign":
        return event[name]
    found = event[family].get(name) if family else event.get(name)
    return {"MALE": "1", "FEMALE": "2"}.get(str(found), found)


# Every run begins on the same ground: everybody's first version, freshly loaded, after a checkpoint is not asked for.


def _fill(ground: _Ground, name: str) -> None:
    department = _Department(f"bench_{name}")
    store = open_store(ground.dsn)
    store.prepare([department.table])
    store.close()
    kinds = [_KINDS[column.type] for column in department.table.columns]
    with psycopg.connect(ground.conninfo, autocommit=True) as db, db.cursor() as cursor:
        db.execute(f"truncate bench_{name}, bus_applied, bus_offset")
        with cursor.copy(f"copy bench_{name} from stdin (format binary)") as copy:
            copy.set_types(kinds)
            for row in ground.before:
                copy.write_row(row)
        with cursor.copy("copy bus_applied from stdin (format binary)") as copy:
            copy.set_types(["text", "text", "int8", "int8", "text", "bytea", "bool"])
            for row in ground.before:
                copy.write_row(("bench", row[0], 1, 0, "first", digest(_NOTHING), False))
        db.execute(f"vacuum analyze bench_{name}, bus_applied")


def _before(contract: Contract, records: Sequence[Message]) -> list[Row]:
    """Everybody's first version: the same, but for one cell."""
    department = _Department("any")
    decode = contract.decoder(department.paths)
    rows = []
    for message in records:
        (keep,) = department.plan(decode(message.value or b"")).changes
        ((key, _, *cells),) = keep.rows  # type: ignore[union-attr]  # it keeps one row
        rows.append((key, True, *cells))
    return sorted(rows, key=itemgetter(0))


_KINDS: Final = {"text": "text", "bool": "bool", "date": "date"}
_NOTHING: Final = Record("", 0, 0, None, b"\0\0\0\0\1")


def _hash(ground: _Ground, name: str) -> Any:
    with psycopg.connect(ground.conninfo) as db:
        query = f"select count(*), sum(hashtextextended(t::text, 0)) from bench_{name} t"
        return db.execute(query).fetchone()


def _ours(ground: _Ground) -> str:
    """The product's own runner, intake and store."""
    department = _Department("bench_bus")
    store, broker = open_store(ground.dsn), KafkaBroker(ground.client)
    store.prepare([department.table])
    store.claim("bench", "bench")
    topics = [ground.contract.topic]
    ends = broker.ends(topics)
    subscription = broker.subscribe("bench-bus", topics, dict.fromkeys(ends, 0))
    runner = Runner("bench", Intake(department, ground.contract, ground.contracts), subscription, store)
    runner.run(lambda: all(subscription.position()[at] >= end for at, end in ends.items()))
    subscription.close()
    broker.close()
    store.close()
    return "bus"


# What a vendor would write: consume, their deserialiser, SQLAlchemy's executemany, offsets in the same transaction.


def _peer(ground: _Ground, name: str, read: Callable[[bytes], Any]) -> Callable[[], str]:
    names = ("person", "protected", *COLUMNS)
    changes = ", ".join(f"{column} = excluded.{column}" for column in names[1:])
    upsert = sa.text(f"""insert into bench_{name} ({", ".join(names)}) values ({", ".join(f":{one}" for one in names)})
        on conflict (person) do update set {changes}""")
    move = sa.text("""insert into bus_offset (connector, topic, partition, next, at) values (:me, :topic, :at, :next, 0)
        on conflict (connector, topic, partition) do update set next = excluded.next""")
    parts = [
        f"{column!r}: d{''.join(f'[{part!r}]' for part in path.split('.'))}"
        for column, path in zip(COLUMNS, WORDS, strict=True)
    ]
    cells = "{'person': r['key'], 'protected': r['body']['protected'], " + ", ".join(parts) + "}"
    project = eval(f"lambda r, d: {cells}")  # noqa: S307 — our own paths

    def run() -> str:
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(
            ground.client | {"group.id": f"bench-{name}", "enable.auto.commit": False, "fetch.queue.backoff.ms": 20}
        )
        consumer.assign([TopicPartition(ground.contract.topic, partition, 0) for partition in range(4)])
        left = len(ground.records)
        made = engine(ground.dsn)
        with made.connect() as db:
            while left:
                messages = consumer.consume(min(BATCH, left), 1.0)
                records = [read(message.value() or b"") for message in messages]
                db.execute(upsert, [project(record, record["body"]["data"]) for record in records])
                following = {message.partition(): (message.offset() or 0) + 1 for message in messages}
                topic = ground.contract.topic
                db.execute(move, [{"me": name, "topic": topic, "at": at, "next": n} for at, n in following.items()])
                db.commit()
                left -= len(messages)
        made.dispose()
        consumer.close()
        return name

    return run


def _by_confluent(ground: _Ground) -> Callable[[bytes], Any]:
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroDeserializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    registry = SchemaRegistryClient.new_client({"url": "mock://bench-apply"})
    text = json.dumps(ground.contract.schema)
    number = 0
    while number < ground.contract.id:  # the mock counts for itself
        filler = json.dumps({"type": "fixed", "name": f"Filler{number}", "size": number + 1})
        last = number + 1 == ground.contract.id
        number = registry.register_schema("bench", Schema(text if last else filler, "AVRO"))
    read, context = AvroDeserializer(registry), SerializationContext(ground.contract.topic, MessageField.VALUE)
    return lambda value: read(value, context)


def _by_fastavro(ground: _Ground) -> Callable[[bytes], Any]:
    import fastavro

    parsed = fastavro.parse_schema(ground.contract.schema)
    return lambda value: fastavro.schemaless_reader(io.BytesIO(value[5:]), parsed)
