"""How is a register's outbox read? One session per relay, one statement per question; rows are never written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from bus.adapters.sql.engine import translated
from bus.adapters.sql.lease import Connection, Leases
from bus.errors import Unavailable
from bus.register.cursor import Barrier, Batch, Row
from bus.register.relay import Blocked, Lease

_ROW = "seq, id::text, aggregatetype, aggregateid, version, recorded, payload"

_READ = f"""
    SELECT {_ROW}, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    FROM bus_outbox WHERE shard = %s AND seq > %s ORDER BY seq LIMIT %s
"""
_PERSON = f"""
    SELECT {_ROW} FROM bus_outbox WHERE shard = %s AND aggregateid = %s AND seq BETWEEN %s AND %s ORDER BY seq
"""
_VERSIONS = """
    SELECT aggregateid, max(version) FROM bus_outbox
    WHERE shard = %s AND aggregateid = ANY(%s) AND seq <= %s GROUP BY aggregateid
"""
_BLOCK = """
    INSERT INTO bus_blocked (shard, key, seq, code) VALUES (%s, %s, %s, %s)
    ON CONFLICT (shard, key) DO UPDATE SET seq = excluded.seq, code = excluded.code
"""
_IDLE = """
    SELECT NOT EXISTS (SELECT 1 FROM bus_lease l WHERE EXISTS
        (SELECT 1 FROM bus_outbox o WHERE o.shard = l.shard AND o.seq > l.cursor))
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
        return Batch([Row._make(row[:7]) for row in found], found[0][7] if found else 0)

    def person(self, shard: int, key: str, first: int, last: int) -> Sequence[Row]:
        with self._connection() as connection, connection.cursor(binary=True) as cursor:
            return [Row._make(row) for row in cursor.execute(_PERSON, (shard, key, first, last)).fetchall()]

    def versions(self, shard: int, keys: Sequence[str], upto: int) -> Mapping[str, int]:
        if not keys or not upto:
            return {}
        with self._connection() as connection:
            return dict(connection.execute(_VERSIONS, (shard, list(keys), upto)).fetchall())

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

    def close(self) -> None:
        if self._session is not None:
            self._session[0].close()
            self._session = None

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
        """A session of our own, outside the pool: it keeps advisory locks, and every statement is a transaction."""
        pooled = self._engine.raw_connection()
        pooled.detach()
        connection: Any = pooled.driver_connection
        connection.autocommit = True
        return connection, Leases(connection)
