"""Port: where the projector stands, who runs it, and which records it has set aside, in the bus's own database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from bus.broker import Offsets, Record

Person = tuple[
    str, int, bytes
]  # topic, partition, key as it stands on the record: nothing else of a bad record is believed
Place = tuple[str, int, int]  # topic, partition, offset

LONGEST_KEY = 1024  # what databases can compare; longer ones are nobody's

BEHIND = "BEHIND"  # waits because an earlier record of the same person does
REPLAY, SKIP = "REPLAY", "SKIP"  # what an operator may decide about the first record that waits


class Held(NamedTuple):
    """A canonical record set aside, with its original bytes."""

    record: Record
    code: str
    since: datetime | None = None
    decision: str | None = None

    @property
    def person(self) -> Person:
        return self.record.topic, self.record.partition, (self.record.key or b"")[:LONGEST_KEY]

    @property
    def place(self) -> Place:
        return self.record.topic, self.record.partition, self.record.offset


class Owned(Protocol):
    """What one process at a time goes on with, and how far it has read.

    Used by one thread. Everything raises Unavailable when the database is away; nothing is half done then.
    """

    def prepare(self) -> None:
        """Creates its tables where they are missing."""

    def claim(self, name: str, holder: str, lease: float) -> int | None:
        """Takes ownership under a new epoch; None while another holder was seen alive within `lease` seconds."""

    def renew(self, name: str, epoch: int) -> None:
        """Says that the owner lives. Raises Fenced when it no longer is the owner."""

    def release(self, name: str, epoch: int) -> None:
        """Leaves, so that nobody has to wait for the lease to run out."""

    def owner(self, name: str) -> tuple[str, int, datetime] | None:
        """(holder, epoch, last sign of life)"""

    def offsets(self, name: str) -> Offsets: ...


class Positions(Owned, Protocol):
    """Of a projector."""

    def commit(self, name: str, epoch: int, upto: Offsets, held: Sequence[Held], settled: Sequence[Place] = ()) -> None:
        """One transaction: owner check (Fenced), sign of life, positions, newly held records, those no longer held.

        The same call again changes nothing. A held record that is known gets the new code and loses its decision.
        """

    def held(self, person: Person | None = None, *, decided: bool = False) -> Sequence[Held]:
        """What waits, in order of topic, partition and offset; `decided`: only what an operator has decided about."""

    def waiting(self) -> Sequence[tuple[Person, int]]:
        """How many records of which person wait."""

    def decide(self, place: Place, decision: str, why: str) -> bool:
        """Tells the running projector what to do with the first record of a person; False: no such record waits."""
