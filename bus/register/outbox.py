"""How does an event join the transaction that made it true, in any register's own SQLAlchemy session?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, Protocol
from zlib import crc32

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session, scoped_session

from bus.errors import Misconfigured, Reject
from bus.event import Event

LIMIT: Final = 1_000_000  # bytes; the broker would take a little more, never less
SHARDS: Final = 4

# xid stands before seq: the transaction has its id before it draws the number, so whoever left a gap in the numbers is
# older than an xid assigned after the gap was seen. That is what the relay's barrier rests on (performance 3.6).
_INSTALL: Final = (
    """CREATE TABLE IF NOT EXISTS bus_outbox (
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        shard smallint NOT NULL,
        seq bigint NOT NULL,
        id uuid NOT NULL,
        aggregatetype text NOT NULL,
        aggregateid text NOT NULL,
        type text NOT NULL,
        version bigint NOT NULL,
        recorded timestamptz NOT NULL,
        payload bytea NOT NULL,
        created date NOT NULL DEFAULT (transaction_timestamp() AT TIME ZONE 'UTC')::date,
        repeats boolean NOT NULL DEFAULT false,
        PRIMARY KEY (shard, seq, created)
    ) PARTITION BY RANGE (created)""",
    "CREATE INDEX IF NOT EXISTS bus_outbox_id ON bus_outbox (id)",
    "CREATE INDEX IF NOT EXISTS bus_outbox_person ON bus_outbox (aggregateid, seq)",
    "CREATE TABLE IF NOT EXISTS bus_outbox_default PARTITION OF bus_outbox DEFAULT",
    """CREATE TABLE IF NOT EXISTS bus_lease (
        shard smallint PRIMARY KEY,
        holder text,
        epoch bigint NOT NULL DEFAULT 0,
        renewed timestamptz,
        session integer,
        cursor bigint NOT NULL DEFAULT 0,
        barrier_seq bigint,
        barrier_xid xid8
    )""",
    """CREATE TABLE IF NOT EXISTS bus_blocked (
        shard smallint NOT NULL REFERENCES bus_lease,
        key text NOT NULL,
        seq bigint NOT NULL,
        code text NOT NULL,
        PRIMARY KEY (shard, key)
    )""",
)

_PUT: Final = text(
    "INSERT INTO bus_outbox "
    "(xid, shard, seq, id, aggregatetype, aggregateid, type, version, recorded, payload, repeats) VALUES ("
    "pg_current_xact_id(), :shard, nextval(CAST(:sequence AS regclass)), :id, :aggregatetype, :aggregateid, "
    ":type, :version, :recorded, :payload, :repeats)"
)

REPEATS: Final = frozenset({"CLOCK", "RESYNC"})  # kinds that say a person's present version again


class Encoder(Protocol):
    """What the outbox asks of a contract (contract/schema.py)."""

    def encode(self, event: Event, *, town: str, incarnation: str) -> bytes: ...


Transaction = Connection | Session | scoped_session[Session]


def put(
    transaction: Transaction,
    event: Event,
    *,
    contract: Encoder,
    town: str,
    incarnation: str,
    aggregate: str = "juki.resident",
    shards: int = SHARDS,
) -> None:
    """One more row in the caller's transaction, behind its own writes. A bad event raises, and aborts the change."""
    put_many(transaction, [event], contract, town, incarnation, aggregate, shards)


def put_many(
    transaction: Transaction,
    events: Sequence[Event],
    contract: Encoder,
    town: str,
    incarnation: str,
    aggregate: str = "juki.resident",
    shards: int = SHARDS,
) -> None:
    rows = []
    for event in events:
        payload = contract.encode(event, town=town, incarnation=incarnation)
        if len(payload) > LIMIT:
            raise Reject(f"event {event.id} has {len(payload)} bytes, more than {LIMIT}", code="SIZE", where=event.id)
        shard = crc32(event.key.encode()) % shards
        rows.append(
            {
                "shard": shard,
                "sequence": f"bus_outbox_seq_{shard}",
                "id": event.id,
                "aggregatetype": aggregate,
                "aggregateid": event.key,
                "type": event.reason,
                "version": event.version,
                "recorded": event.recorded,
                "payload": payload,
                "repeats": event.kind in REPEATS,
            }
        )
    transaction.execute(_PUT, rows)


def install(connection: Connection, shards: int = SHARDS, *, today: date | None = None) -> None:
    """Makes what is missing: outbox, numbers, a lease per shard, a week of partitions. By the owner of the tables."""
    for statement in _INSTALL:
        connection.execute(text(statement))
    if not connection.execute(text(_HAS_REPEATS)).scalar_one():  # an outbox from before there was a calendar
        connection.execute(text("ALTER TABLE bus_outbox ADD COLUMN repeats boolean NOT NULL DEFAULT false"))
    known = connection.execute(text("SELECT count(*) FROM bus_lease")).scalar_one()
    if known not in (0, shards):
        raise Misconfigured(f"this outbox has {known} shards, not {shards}", hint="the number of shards is for life")
    for shard in range(shards):
        connection.execute(text(f"CREATE SEQUENCE IF NOT EXISTS bus_outbox_seq_{shard} CACHE 1"))
        connection.execute(
            text("INSERT INTO bus_lease (shard) VALUES (:shard) ON CONFLICT DO NOTHING"), {"shard": shard}
        )
    make_partitions(connection, today or connection.execute(text(_TODAY)).scalar_one(), days=8)


_HAS_REPEATS: Final = (
    "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'bus_outbox'::regclass AND attname = 'repeats')"
)
_TODAY: Final = "SELECT (transaction_timestamp() AT TIME ZONE 'UTC')::date"


def make_partitions(connection: Connection, first: date, *, days: int) -> None:
    """One partition per day. A day that already has rows in the default partition stays there."""
    for day in (first + timedelta(days=n) for n in range(days)):
        late = text("SELECT EXISTS (SELECT FROM bus_outbox_default WHERE created = :day)")
        if not connection.execute(late, {"day": day}).scalar_one():
            connection.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS bus_outbox_{day:%Y%m%d} PARTITION OF bus_outbox "
                    f"FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
                )
            )


def grant(connection: Connection, *, writer: str | None, relay: str | None) -> None:
    """The writer only adds; the relay only reads, and moves its lease. Nobody but the owner removes."""
    quoted = connection.dialect.identifier_preparer.quote
    shards = connection.execute(text("SELECT count(*) FROM bus_lease")).scalar_one()
    if writer is not None:
        connection.execute(text(f"GRANT INSERT ON bus_outbox TO {quoted(writer)}"))
        for shard in range(shards):
            connection.execute(text(f"GRANT USAGE ON SEQUENCE bus_outbox_seq_{shard} TO {quoted(writer)}"))
    if relay is not None:
        connection.execute(text(f"GRANT SELECT ON bus_outbox TO {quoted(relay)}"))
        connection.execute(text(f"GRANT SELECT, UPDATE ON bus_lease TO {quoted(relay)}"))
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON bus_blocked TO {quoted(relay)}"))
