"""Port: what a processor remembers and has said, where it stands, whom it has set aside, in the bus's own database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bus.broker import Offsets
from bus.disclosure.positions import Held, Owned, Person, Place
from bus.event import Event
from bus.processor.fold import Spoken, State

Position = tuple[int, int]  # version, recorded (µs): what was folded of a person last


@dataclass
class Turn:
    """What one transaction makes true."""

    upto: dict[tuple[str, int], int] = field(default_factory=dict)
    states: dict[str, State | None] = field(default_factory=dict)  # None: forgotten
    seen: dict[str, Position] = field(default_factory=dict)
    said: list[Event] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    settled: list[Place] = field(default_factory=list)
    released: bool = False  # what an operator asked to be released is
    rebuilt: bool = False  # the rebuilding has come to its end
    stale: int = 0  # records that had been folded before; not stored

    def __bool__(self) -> bool:
        return bool(self.states or self.said or self.held or self.settled or self.released or self.rebuilt)


class Standing(NamedTuple):
    """What is to be known of a processor before it goes on."""

    rebuilding: Offsets | None = None  # until everything before these is read nothing is said
    asked: str | None = None  # why an operator wants what waits to be released


class Counts(NamedTuple):
    facts: int  # that were ever said
    active: int
    states: int
    persons: int


class Notebook(Owned, Protocol):
    """Of a processor: its memory too."""

    def recall(self, name: str, keys: Sequence[str]) -> Mapping[str, State]: ...

    def keys(self, name: str, prefix: str, after: str = "", limit: int | None = None) -> Sequence[str]:
        """Memory keys that begin with `prefix` and come after `after`, in order."""

    def seen(self, name: str, persons: Sequence[str]) -> Mapping[str, Position]:
        """Since the last rebuilding began."""

    def spoken(self, name: str, keys: Sequence[str]) -> Mapping[str, Spoken]: ...

    def commit(self, name: str, epoch: int, turn: Turn) -> None:
        """One transaction: owner check (Fenced), sign of life, all of the turn, and the outbox rows of what is said.

        Raises Reject when the database or the contract refuses something of it; nothing is written then.
        """

    def standing(self, name: str) -> Standing: ...

    def rebuild(self, name: str, epoch: int, upto: Offsets) -> None:
        """Positions are forgotten, so that everything is folded anew; memory and what was said stay."""

    def ask(self, name: str, why: str) -> None:
        """Tells the running processor to release what waits."""

    def held(self, name: str, person: Person | None = None, *, decided: bool = False) -> Sequence[Held]:
        """What is set aside, in order; `decided`: only what an operator has decided about."""

    def decide(self, name: str, place: Place, decision: str, why: str) -> bool:
        """Tells the running processor what to do with the first record of a person; False: no such record waits."""

    def counts(self, name: str) -> Counts: ...
