"""Which tables does the bus keep beside a department's own, and how do its types look in SQL?"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, String, Text

from bus.broker import Record
from bus.store import Parked, Table

# Instants are microseconds since 1970: exact, and the same in every database.
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NOW: Final = {
    "postgresql": "(extract(epoch from clock_timestamp()) * 1000000)::bigint",
    "sqlite": "cast((julianday('now') - 2440587.5) * 86400000000 as integer)",
    "mysql": "cast(unix_timestamp(now(6)) * 1000000 as signed)",
    "mariadb": "cast(unix_timestamp(now(6)) * 1000000 as signed)",
    "mssql": "datediff_big(microsecond, '1970-01-01', sysutcdatetime())",
}
TYPES: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "text": Text(),
    "bool": Boolean(),
    "int": BigInteger(),
    "date": sa.Date(),
    "timestamp": sa.DateTime(timezone=True),
}
_KEY: Final = String(191)  # the longest that every database can index
_LONG: Final = Text().with_variant(Text(2**24), "mysql", "mariadb")
_OFTEN_UPDATED: Final = {"fillfactor": 85}

metadata: Final = MetaData()


def _connector() -> Column[str]:
    return Column("connector", String(64), primary_key=True)


applied: Final = sa.Table(
    "bus_applied",
    metadata,
    _connector(),
    Column("key", _KEY, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("digest", LargeBinary(36), nullable=False),
    Column("gone", Boolean, nullable=False),
    postgresql_with=_OFTEN_UPDATED,
)
offset: Final = sa.Table(
    "bus_offset",
    metadata,
    _connector(),
    Column("topic", String(191), primary_key=True),
    Column("partition", BigInteger, primary_key=True, autoincrement=False),
    Column("next", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)
parked: Final = sa.Table(
    "bus_parked",
    metadata,
    _connector(),
    Column("key", _KEY, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("code", String(40), nullable=False),
    Column("where", String(255), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("topic", String(191), nullable=False),
    Column("partition", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("record_key", LargeBinary),
    Column("value", LargeBinary(2**24)),
    Column("headers", _LONG, nullable=False),
)
review: Final = sa.Table(
    "bus_review",
    metadata,
    _connector(),
    Column("event_id", String(64), primary_key=True),
    Column("no", BigInteger, primary_key=True, autoincrement=False),
    Column("key", _KEY, nullable=False),
    Column("why", String(255), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("resolved", BigInteger),
)
owner: Final = sa.Table(
    "bus_owner",
    metadata,
    _connector(),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", String(191), nullable=False),
    Column("renewed", BigInteger, nullable=False),
    Column("paused", String(255), nullable=False),
    Column("stopped", String(40), nullable=False),
    Column("applied", BigInteger, nullable=False),
    Column("stale", BigInteger, nullable=False),
    Column("fenced", BigInteger, nullable=False),
)


def department(table: Table, into: MetaData) -> sa.Table:
    """A connector's table. In a real department it is there already, and its own types win."""
    first, *others = table.columns
    one = not (table.kept and table.many)
    head = Column(first.name, _KEY, primary_key=one, nullable=False, index=not one)
    rest = [Column(column.name, TYPES[column.type]) for column in others]
    if table.kept:
        return sa.Table(table.name, into, head, *rest, postgresql_with=_OFTEN_UPDATED)
    return sa.Table(table.name, into, head, *rest)


def instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def pack(connector: str, entry: Parked, now: Any) -> dict[str, Any]:
    record = entry.record
    headers = [[name, None if value is None else base64.b64encode(value).decode()] for name, value in record.headers]
    return {
        "connector": connector, "key": entry.key, "seq": entry.seq, "code": entry.code, "where": entry.where[:255],
        "event_id": entry.event_id[:64], "version": entry.version, "since": now, "topic": record.topic,
        "partition": record.partition, "offset": record.offset, "timestamp": record.timestamp,
        "record_key": record.key, "value": record.value, "headers": json.dumps(headers),
    }  # fmt: skip


def unpack(row: Any) -> Parked:
    headers: Sequence[tuple[str, bytes | None]] = [
        (name, None if value is None else base64.b64decode(value)) for name, value in json.loads(row.headers)
    ]
    record = Record(row.topic, row.partition, row.offset, row.record_key, row.value, headers, row.timestamp)
    return Parked(row.key, row.seq, row.code, row.where, row.event_id, row.version, instant(row.since), record)
