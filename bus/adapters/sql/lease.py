"""Who may speak for a shard of the outbox? One row per shard; every write of it carries the holder's epoch."""

from __future__ import annotations

import time
from typing import Any, LiteralString

import psycopg

from bus.errors import Fenced
from bus.register.cursor import Barrier
from bus.register.relay import Lease

Connection = psycopg.Connection[tuple[Any, ...]]

# A holder also keeps an advisory lock for as long as its session lives. A free lock says that it is dead, so that
# nobody has to wait for the lease to run out after a kill; safety rests on the epoch alone.
LOCK_CLASS = 0x0B05

_OTHERS = """
    SELECT shard, epoch, holder IS NULL OR renewed IS NULL OR renewed < clock_timestamp() - make_interval(secs => %s)
    FROM bus_lease WHERE holder IS DISTINCT FROM %s ORDER BY shard
"""

_CLAIM = """
    UPDATE bus_lease SET holder = %s, epoch = epoch + 1, renewed = clock_timestamp()
    WHERE shard = %s AND epoch = %s
    RETURNING epoch, cursor, barrier_seq, barrier_xid::text::bigint
"""


class Leases:
    """The leases as one database session sees them; made anew with every session."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._locked: set[int] = set()
        self._lost_at: dict[int, float] = {}

    def claim(self, holder: str, lease_seconds: float) -> list[Lease]:
        """Takes what is free, expired, or held by a session that is gone."""
        taken = []
        for shard, epoch, free in self._connection.execute(_OTHERS, (lease_seconds, holder)).fetchall():
            # Who lost a shard let go of its lock itself: that the lock is free says nothing of the new holder.
            just_lost = time.monotonic() - self._lost_at.get(shard, -lease_seconds) < lease_seconds
            if not free and (just_lost or not self._lock(shard)):
                continue
            row = self._connection.execute(_CLAIM, (holder, shard, epoch)).fetchone()
            if row is None:  # another one was quicker
                self._unlock(shard)
            else:
                self._lock(shard)
                taken.append(Lease(shard, holder, row[0], row[1], Barrier(row[2], row[3]) if row[2] else None))
        return taken

    def renew(self, lease: Lease) -> None:
        self._update(lease, "renewed = clock_timestamp()")
        self._lock(lease.shard)  # its last holder may have kept it, frozen, and be dead by now

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
        self._unlock(lease.shard)

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
            f"UPDATE bus_lease SET {change} WHERE shard = %s AND holder = %s AND epoch = %s"
            " RETURNING barrier_seq, barrier_xid::text::bigint",
            (*values, lease.shard, lease.holder, lease.epoch),
        ).fetchone()
        if row is None:
            raise self._lost(lease)
        return row[0], row[1]

    def _lost(self, lease: Lease) -> Fenced:
        self._unlock(lease.shard)
        self._lost_at[lease.shard] = time.monotonic()
        return Fenced(f"shard {lease.shard} has a later epoch than {lease.epoch}", where=f"outbox/{lease.shard}")

    def _lock(self, shard: int) -> bool:
        """Whether this session holds the shard's lock now. Asked once per session, for such locks are counted."""
        if shard not in self._locked:
            row = self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK_CLASS, shard)).fetchone()
            if row is not None and row[0]:
                self._locked.add(shard)
        return shard in self._locked

    def _unlock(self, shard: int) -> None:
        if shard in self._locked:
            self._locked.discard(shard)
            self._connection.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCK_CLASS, shard))
