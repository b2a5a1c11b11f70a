"""Who may speak for a shard of the outbox? One row per shard; every write of it carries the holder's epoch."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from bus.errors import Fenced
from bus.register.cursor import Barrier
from bus.register.relay import Lease

Connection = psycopg.Connection[tuple[Any, ...]]

# A lease also names its holder's database session. One that has ended says that the holder is dead, so that nobody has
# to wait for the lease to run out after a kill; safety rests on the epoch alone.
_FREE = """
    SELECT shard, epoch FROM bus_lease
    WHERE holder IS DISTINCT FROM %s AND (
        holder IS NULL OR renewed IS NULL OR renewed < clock_timestamp() - make_interval(secs => %s)
        OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = session)
    ) ORDER BY shard
"""

_CLAIM = """
    UPDATE bus_lease SET holder = %s, epoch = epoch + 1, renewed = clock_timestamp(), session = pg_backend_pid()
    WHERE shard = %s AND epoch = %s
    RETURNING epoch, cursor, barrier_seq, barrier_xid::text::bigint
"""


class Leases:
    """The leases as one database session sees them; made anew with every session."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, holder: str, lease_seconds: float) -> list[Lease]:
        """Takes what is free, expired, or held by a session that is gone."""
        taken = []
        for shard, epoch in self._connection.execute(_FREE, (holder, lease_seconds)).fetchall():
            row = self._connection.execute(_CLAIM, (holder, shard, epoch)).fetchone()
            if row is not None:  # else another one was quicker
                taken.append(Lease(shard, holder, row[0], row[1], Barrier(row[2], row[3]) if row[2] else None))
        return taken

    def renew(self, lease: Lease) -> None:
        self._update(lease, "renewed = clock_timestamp()")

    def advance(self, lease: Lease, cursor: int) -> None:
        self._update(lease, "cursor = %s, renewed = clock_timestamp()", cursor)

    def bound(self, lease: Lease) -> Barrier:
        """The statement's snapshot is taken before its transaction id is drawn: what it sees is older than the id."""
        seq, xid = self._update(
            lease,
            "barrier_seq = (SELECT max(seq) FROM bus_outbox WHERE shard = %s), barrier_xid = pg_current_xact_id()",
            lease.shard,
        )
        return Barrier(seq, xid)

    def release(self, lease: Lease) -> None:
        self._update(lease, "holder = NULL, renewed = NULL")

    def fence(self, lease: Lease) -> None:
        """Inside a transaction: nobody takes the lease before it ends."""
        row = self._connection.execute(
            "SELECT 1 FROM bus_lease WHERE shard = %s AND holder = %s AND epoch = %s FOR SHARE",
            (lease.shard, lease.holder, lease.epoch),
        ).fetchone()
        if row is None:
            raise self._lost(lease)

    def _update(self, lease: Lease, change: LiteralString, *values: int) -> tuple[int, int]:
        row = self._connection.execute(
            f"UPDATE bus_lease SET session = pg_backend_pid(), {change} WHERE shard = %s AND holder = %s AND epoch = %s"
            " RETURNING barrier_seq, barrier_xid::text::bigint",
            (*values, lease.shard, lease.holder, lease.epoch),
        ).fetchone()
        if row is None:
            raise self._lost(lease)
        return row[0], row[1]

    def _lost(self, lease: Lease) -> Fenced:
        return Fenced(f"shard {lease.shard} has a later epoch than {lease.epoch}", where=f"outbox/{lease.shard}")
