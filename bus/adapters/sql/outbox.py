"""How is a register's outbox read? One session per relay, one statement per question; rows are never written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg.rows import dict_row
from sqlalchemy import Engine

from bus.adapters.sql.engine import translated
from bus.adapters.sql.lease import Connection, Leases
from bus.errors import Unavailable
from bus.event import RESIDENT
from bus.register.cursor import Barrier, Batch, Row
from bus.register.relay import RELEASE, Blocked, Lease

_ROW = "seq, id::text, aggregatetype, aggregateid, version, recorded, payload, repeats"

_READ = f"""
    SELECT {_ROW}, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    FROM bus_outbox WHERE shard = %s AND seq > %s ORDER BY seq LIMIT %s
"""
_PERSON = f"""
    SELECT {_ROW} FROM bus_outbox
    WHERE shard = %s AND aggregateid = %s AND aggregatetype = %s AND seq BETWEEN %s AND %s ORDER BY seq
"""
_VERSIONS = """
    SELECT aggregatetype, aggregateid, max(version) FROM bus_outbox
    WHERE shard = %s AND aggregateid = ANY(%s) AND seq <= %s GROUP BY 1, 2
"""
_BLOCK = """
    INSERT INTO bus_blocked (shard, key, seq, code) VALUES (%s, %s, %s, %s)
    ON CONFLICT (shard, key) DO UPDATE SET seq = excluded.seq, code = excluded.code
"""
_IDLE = """
    SELECT NOT EXISTS (SELECT 1 FROM bus_lease l WHERE EXISTS
        (SELECT 1 FROM bus_outbox o WHERE o.shard = l.shard AND o.seq > l.cursor))
"""
_STATUS = """
    SELECT l.shard, l.holder, l.epoch, l.renewed, l.cursor, l.barrier_seq, l.barrier_xid::text::bigint AS barrier_xid,
        pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest_xid, o.unpublished, o.first, o.oldest,
        (SELECT count(*) FROM bus_blocked b WHERE b.shard = l.shard) AS blocked
    FROM bus_lease l, LATERAL (
        SELECT count(*) AS unpublished, min(seq) AS first,
            extract(epoch FROM clock_timestamp() - min(recorded))::float8 AS oldest
        FROM bus_outbox WHERE shard = l.shard AND seq > l.cursor
    ) o ORDER BY l.shard
"""
_WAITING = """
    SELECT b.shard, b.seq, b.code, o.id::text AS event FROM bus_blocked b
    LEFT JOIN bus_outbox o ON o.shard = b.shard AND o.seq = b.seq ORDER BY 1, 2
"""


class SqlOutbox:
    """OutboxSource on PostgreSQL. After a failure the next call opens a new session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._session: tuple[Connection, Leases] | None = None

    def claim(self, holder: str, lease_seconds: float) -> Sequence[Lease]:
        with self._leases() as leases:
            return leases.claim(holder, lease_seconds)

    def read(self, shard: int, after: int, limit: int) -> Batch:
        with self._connection() as connection, connection.cursor(binary=True) as cursor:
            found = cursor.execute(_READ, (shard, after, limit)).fetchall()
        return Batch([Row._make(row[:8]) for row in found], found[0][8] if found else 0)

    def person(self, shard: int, whom: str, first: int, last: int) -> Sequence[Row]:
        entity, _, key = whom.rpartition(":")
        bound = (shard, key, entity or RESIDENT, first, last)
        with self._connection() as connection, connection.cursor(binary=True) as cursor:
            return [Row._make(row) for row in cursor.execute(_PERSON, bound).fetchall()]

    def versions(self, shard: int, whom: Sequence[str], upto: int) -> Mapping[str, int]:
        if not whom or not upto:
            return {}
        keys = [one.rpartition(":")[2] for one in whom]
        with self._connection() as connection:
            found = connection.execute(_VERSIONS, (shard, keys, upto)).fetchall()
        return {key if entity == RESIDENT else f"{entity}:{key}": version for entity, key, version in found}

    def renew(self, lease: Lease) -> None:
        with self._leases() as leases:
            leases.renew(lease)

    def bound(self, lease: Lease) -> Barrier:
        with self._leases() as leases:
            return leases.bound(lease)

    def advance(self, lease: Lease, cursor: int) -> None:
        with self._leases() as leases:
            leases.advance(lease, cursor)

    def blocked(self, shard: int) -> Mapping[str, Blocked]:
        with self._connection() as connection:
            rows = connection.execute("SELECT key, seq, code FROM bus_blocked WHERE shard = %s", (shard,)).fetchall()
        return {key: Blocked(seq, code) for key, seq, code in rows}

    def block(self, lease: Lease, key: str, seq: int, code: str) -> None:
        with self._fenced(lease) as connection:
            connection.execute(_BLOCK, (lease.shard, key, seq, code))

    def unblock(self, lease: Lease, key: str) -> None:
        with self._fenced(lease) as connection:
            connection.execute("DELETE FROM bus_blocked WHERE shard = %s AND key = %s", (lease.shard, key))

    def release(self, lease: Lease) -> None:
        with self._leases() as leases:
            leases.release(lease)

    def idle(self) -> bool:
        with self._connection() as connection:
            row = connection.execute(_IDLE).fetchone()
        return row is not None and bool(row[0])

    def status(self) -> list[dict[str, Any]]:
        """Per shard: its lease, what is not yet published, and the gap it stands at."""
        return [_shard(row) for row in self._dicts(_STATUS)]

    def waiting(self) -> list[dict[str, Any]]:
        """Blocked persons, by the event that blocks them."""
        return self._dicts(_WAITING)

    def payloads(self, entity: str) -> Iterator[bytes]:
        """All that is still here of one kind of thing, by key and version; for proofs."""
        query = """SELECT payload FROM bus_outbox WHERE aggregatetype = %s
            ORDER BY aggregateid COLLATE "C", version, seq"""
        with self._connection() as connection, connection.cursor(binary=True) as cursor:
            for (payload,) in cursor.execute(query, (entity,)).fetchall():
                yield payload

    def let_go(self, event: str) -> bool:
        """An operator's word that the cause is gone: the relay says what it withheld, in order."""
        change = """UPDATE bus_blocked b SET code = %s FROM bus_outbox o
            WHERE o.shard = b.shard AND o.seq = b.seq AND o.id::text = %s"""
        with self._connection() as connection:
            return connection.execute(change, (RELEASE, event)).rowcount == 1

    def close(self) -> None:
        if self._session is not None:
            self._session[0].close()
            self._session = None

    def _dicts(self, query: LiteralString) -> list[dict[str, Any]]:
        with self._connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._open() as (connection, _):
            yield connection

    @contextmanager
    def _leases(self) -> Iterator[Leases]:
        with self._open() as (_, leases):
            yield leases

    @contextmanager
    def _fenced(self, lease: Lease) -> Iterator[Connection]:
        with self._open() as (connection, leases), connection.transaction():
            leases.fence(lease)
            yield connection

    @contextmanager
    def _open(self) -> Iterator[tuple[Connection, Leases]]:
        try:
            with translated():
                if self._session is None:
                    self._session = self._connect()
                yield self._session
        except Unavailable:
            if self._session is not None and self._session[0].closed:
                self.close()
            raise

    def _connect(self) -> tuple[Connection, Leases]:
        """A session of our own, outside the pool: leases name it, and every statement is a transaction."""
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        connection.autocommit = True
        return connection, Leases(connection)


def _shard(row: dict[str, Any]) -> dict[str, Any]:
    first, cursor, xid = row["first"], row["cursor"], row["barrier_xid"]
    gap = None
    if first is not None and first > cursor + 1:
        bounded = row["barrier_seq"] is not None and first <= row["barrier_seq"]
        gap = {"first": cursor + 1, "last": first - 1, "barrier": xid if bounded else None, "oldest": row["oldest_xid"]}
    return {
        "shard": row["shard"],
        "holder": row["holder"],
        "epoch": row["epoch"],
        "renewed": row["renewed"],
        "cursor": cursor,
        "unpublished": row["unpublished"],
        "oldest_unpublished_seconds": None if row["oldest"] is None else max(0.0, round(row["oldest"], 3)),
        "gap": gap,
        "blocked": row["blocked"],
    }
