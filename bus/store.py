"""Port: a department's database, where the effect and the position are one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    recorded: int  # microseconds since 1970, as on the wire
    id: str
    digest: bytes  # Delivery.digest
    gone: bool = False  # by a removal: any later version may come next


@dataclass(slots=True)
class Delivery:
    """One record, decoded and projected; or rejected by pure code, with the reason."""

    record: Record
    key: str
    version: int = 0  # 0: could not be read
    recorded: int = 0  # microseconds since 1970
    id: str = ""
    digest: bytes = b""  # schema id (4 bytes) and SHA-256 of the record's value
    mode: str = "DATA"  # event.DATA, BARE, REMOVED
    kind: str = ""
    changes: Sequence[Change] = ()
    reviews: Sequence[str] = ()  # why a person must decide; never with values
    reject: Reject | None = None

    @property
    def place(self) -> str:
        return f"{self.record.topic}/{self.record.partition}/{self.record.offset}"


Again = Callable[
    [Record], Delivery
]  # decodes and projects a parked record by the present contract and connector; never raises


@dataclass(slots=True)
class Applied:
    """What one call of apply did, in numbers of records."""

    fresh: int = 0
    stale: int = 0  # seen before, or older than what is there: dropped
    parked: int = 0  # set aside now, with the reason or behind an earlier one of the same person
    released: int = 0  # parked earlier, applied now because the gap before them was filled
    reviewed: int = 0
    culprits: list[tuple[str, Reject]] = field(default_factory=list)  # (event id or place, why), for those newly parked
    streak: set[str] = field(default_factory=set)  # persons parked since anything was last applied in this call

    def add(self, other: Applied) -> None:
        self.fresh += other.fresh
        self.stale += other.stale
        self.parked += other.parked
        self.released += other.released
        self.reviewed += other.reviewed
        self.culprits += other.culprits
        self.streak = other.streak if other.fresh else self.streak | other.streak


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


class Owner(NamedTuple):
    """Who may write, as the database sees it."""

    holder: str
    epoch: int
    renewed: datetime
    age: float  # seconds since then, by the database's clock
    paused: str = ""  # why an operator stopped it; empty: it may run
    stopped: str = ""  # the code of the error it last ended with; empty: none


class Progress(NamedTuple):
    """What a connector has done in its target so far."""

    persons: int  # that it has heard of
    applied: int
    stale: int
    fenced: int  # attempts of processes that were no longer the owner
    parked: int  # persons
    reviews: int  # open
    last_applied: datetime | None


class Store(Protocol):
    """One instance per process; used by one thread at a time."""

    def prepare(self, tables: Sequence[Table]) -> None:
        """Creates what is missing of the connector's tables and of bus_applied, _offset, _parked, _review, _owner."""

    def claim(self, connector: str, holder: str) -> int:
        """Takes ownership under a new epoch; whoever held it before is fenced from now on."""

    def renew(self, connector: str) -> None:
        """Says that the owner lives. Raises Fenced when it no longer is the owner."""

    def resign(self, connector: str, why: str = "") -> None:
        """Says that the owner leaves, with the code of its error if any: the next need not wait for the lease."""

    def owner(self, connector: str) -> Owner | None: ...

    def pause(self, connector: str, why: str) -> None:
        """Asks the owner to stop reading; empty: to go on."""

    def apply(
        self, connector: str, deliveries: Sequence[Delivery], upto: Offsets, again: Again | None = None
    ) -> Applied:
        """One transaction: owner check, changes, applied positions, parked, review list, offsets.

        With `again`, records parked for a gap that is now filled are applied in the same transaction.
        Raises Fenced (nothing written), Unavailable (not there; nothing written, or the same call again is harmless),
        or Reject (the database refuses this data; nothing written; the runner hands the culprit in with `.reject`).
        """

    def release(self, connector: str, key: str, again: Again) -> Applied:
        """Tries the records parked for one person anew, in order, until one still cannot be applied: each leaves in the
        transaction of its own effect. Needs no ownership: it shuts the owner out for that moment."""

    def offsets(self, connector: str) -> Offsets:
        """Where to start; the broker's own memory is never trusted."""

    def parked(self, connector: str, key: str | None = None) -> Sequence[Parked]: ...

    def progress(self, connector: str) -> Progress: ...

    def rows(self, table: str) -> Sequence[Row]:
        """Everything in a connector's table, ordered; columns as in Table. For examples, proofs and tests."""

    def close(self) -> None: ...


def effect(append: Append) -> str:
    """The event id an appended row belongs to."""
    return str(append.row[0])


def in_order(rows: Sequence[Row]) -> list[Row]:
    """The same order in every store, whatever its collation."""
    return sorted((tuple(row) for row in rows), key=lambda row: tuple((value is not None, str(value)) for value in row))


Positions = Mapping[str, Seen]
