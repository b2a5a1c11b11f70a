"""Port: a department's database, where the effect and the position are one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from bus.broker import Offsets, Record
from bus.change import Append, Change, Row
from bus.errors import Reject


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str  # text, bool, int, date, timestamp


@dataclass(frozen=True, slots=True)
class Table:
    """A table a connector keeps or appends to.

    Kept: `columns[0]` holds the person's key. Appended: the columns event_id, kind and supersedes come first, always.
    """

    name: str
    columns: tuple[Column, ...]
    kept: bool
    many: bool = False  # kept, and one person may own several rows


class Seen(NamedTuple):
    """The last event applied for a person in this department: the guard for Keep and Append alike (decision 5)."""

    version: int
    recorded: datetime
    id: str
    digest: bytes  # SHA-256 of the record's value
    gone: bool = False  # by a removal: any version may come next


@dataclass(slots=True)
class Delivery:
    """One record, decoded and projected; or rejected by pure code, with the reason."""

    record: Record
    key: str
    version: int = 0
    recorded: datetime | None = None
    id: str = ""
    digest: bytes = b""
    mode: str = "DATA"  # event.DATA, BARE, REMOVED
    kind: str = ""
    changes: Sequence[Change] = ()
    reviews: Sequence[str] = ()  # why a person must decide; never with values
    reject: Reject | None = None


@dataclass(slots=True)
class Applied:
    """What one call of apply did, in numbers of records."""

    fresh: int = 0
    stale: int = 0  # seen before, or older than what is there: dropped
    parked: int = 0  # set aside now, with the reason or behind an earlier one of the same person
    released: int = 0  # parked earlier, applied now because the gap before them was filled
    reviewed: int = 0
    culprits: list[tuple[str, Reject]] = field(default_factory=list)  # (event id or place, why), for those newly parked


class Parked(NamedTuple):
    """An event set aside, with its original bytes."""

    key: str
    seq: int  # the order in which they wait
    code: str
    where: str  # topic/partition/offset
    event_id: str
    version: int
    since: datetime
    record: Record


class Store(Protocol):
    """One instance per process; used by one thread at a time."""

    def prepare(self, tables: Sequence[Table]) -> None:
        """Creates what is missing of the connector's tables and of bus_applied, _offset, _parked, _review, _owner."""

    def claim(self, connector: str, holder: str) -> int:
        """Takes ownership under a new epoch; whoever held it before is fenced from now on."""

    def renew(self, connector: str) -> None:
        """Says that the owner lives. Raises Fenced when it no longer is the owner."""

    def owner(self, connector: str) -> tuple[str, int, datetime] | None:
        """(holder, epoch, last sign of life)"""

    def apply(self, connector: str, deliveries: Sequence[Delivery], upto: Offsets) -> Applied:
        """One transaction: owner check, changes, applied positions, parked, review list, offsets.

        Raises Fenced (nothing written), Unavailable (not there; nothing written, or the same call again is harmless),
        or Reject (the database refuses this data; the runner applies one by one to find the culprit).
        """

    def park(self, connector: str, delivery: Delivery, reason: Reject) -> None:
        """Sets one delivery aside, with its offset, in one transaction: for what apply raised Reject about."""

    def offsets(self, connector: str) -> Offsets:
        """Where to start; the broker's own memory is never trusted."""

    def parked(self, connector: str, key: str | None = None) -> Sequence[Parked]: ...

    def rows(self, table: str) -> Sequence[Row]:
        """Everything in a connector's table, ordered; columns as in Table. For examples, proofs and tests."""

    def close(self) -> None: ...


def effect(append: Append) -> str:
    """The event id an appended row belongs to."""
    return str(append.row[0])


Positions = Mapping[str, Seen]
