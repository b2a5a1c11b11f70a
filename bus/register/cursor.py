"""Which rows of the outbox may be said now? Numbers are drawn before commit, so a hole may still be filled, or never.

A relay that remembers the highest number it saw loses what a slower transaction commits behind it; one that orders by
transaction id reorders a person who was written late by an early transaction. This one walks a shard's own sequence
without a hole. At a hole it asks the database for a fresh transaction id, the *barrier*: whoever owns the hole drew its
transaction id before the number, so it is older. Once a reading's oldest running transaction is not older than the
barrier, the owner has ended and was visible if it had committed; what is missing then was rolled back and is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from bus.event import RESIDENT


class Row(NamedTuple):
    """One committed row of the outbox."""

    seq: int  # from its shard's own sequence
    id: str  # of the event
    aggregate: str  # <system>.<entity>, decides the topic
    key: str
    version: int
    recorded: datetime
    payload: bytes
    repeats: bool = False  # says the person's present version once more

    @property
    def whom(self) -> str:
        """Whose versions these are: a department says several kinds of facts under one key, each with its own."""
        return self.key if self.aggregate == RESIDENT else f"{self.aggregate}:{self.key}"


class Batch(NamedTuple):
    """What one statement saw: rows in the order of their numbers, and the oldest transaction that still ran."""

    rows: Sequence[Row]
    xmin: int


class Barrier(NamedTuple):
    """Every number below `seq` was drawn by a transaction older than `xid`."""

    seq: int
    xid: int


class Reach(NamedTuple):
    """How far a batch may be said: its first `rows` rows, up to and including number `cursor`."""

    rows: int
    cursor: int
    skipped: int = 0  # numbers that rolled-back transactions left empty
    hole: int | None = None  # the first number whose owner may still commit
    bounded: bool = False  # … and a barrier is already waiting for it


def reach(batch: Batch, cursor: int, barrier: Barrier | None) -> Reach:
    last, skipped = cursor, 0
    for count, row in enumerate(batch.rows):
        if row.seq != last + 1:
            bounded = barrier is not None and row.seq <= barrier.seq
            if barrier is None or not bounded or batch.xmin < barrier.xid:
                return Reach(count, last, skipped, hole=last + 1, bounded=bounded)
            skipped += row.seq - last - 1
        last = row.seq
    return Reach(len(batch.rows), last, skipped)


def disorder(rows: Sequence[Row], known: Mapping[str, int]) -> int | None:
    """The index of the first row whose version does not follow its person's last one; a person never seen may begin.

    What repeats must be of exactly the last version: it neither jumps ahead nor brings back what is over.
    """
    last: dict[str, int] = {}
    for index, row in enumerate(rows):
        before = last.get(row.whom, known.get(row.whom))
        if before is not None and row.version != (before if row.repeats else before + 1):
            return index
        last[row.whom] = row.version
    return None


class Versions:
    """The last version said per person, for the most recent persons only."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def of(self, rows: Sequence[Row]) -> tuple[dict[str, int], set[str]]:
        """(what is known, the persons of whom nothing is known)"""
        known: dict[str, int] = {}
        unknown: set[str] = set()
        for key in {row.whom for row in rows}:
            version = self._young.get(key) or self._old.get(key)
            if version is None:
                unknown.add(key)
            else:
                known[key] = version
        return known, unknown

    def said(self, rows: Sequence[Row]) -> None:
        self._young.update((row.whom, row.version) for row in rows)
        if len(self._young) > self._limit:
            self._old, self._young = self._young, {}
