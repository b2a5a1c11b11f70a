"""What do the staff of one department do on a day? Decide what was asked, and what their work brings; simulated.

Everything a desk does goes the way of real staff: a proposal is made and confirmed or rejected, and what follows is a
fact of the department, written in the same transaction. What is annulled or corrected upstream is taken back or
corrected here by the same rule for all departments, so that no office has to think of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple, Self

from bus.adapters.sql.facts import Fact, FactBook, Said
from bus.adapters.sql.files import Files
from bus.adapters.sql.proposals import PROPOSED, Proposals, Request
from bus.errors import Reject
from bus.event import Event
from bus.fact.say import Say

STAFF: Final = "desk (simulated)"
SLOW: Final = 5  # one request in so many is only proposed at first, and confirmed when it is looked at again


class Verdict(NamedTuple):
    """What is decided about one request, and what the department says because of it."""

    confirm: bool
    says: Sequence[Say] = ()
    note: str = ""


NOTED: Final = Verdict(confirm=True)  # seen, and nothing is to be said


@dataclass(frozen=True, slots=True)
class Look:
    """All that a decision may depend on."""

    on: date
    book: FactBook
    files: Files
    world: Mapping[str, Files] = field(repr=False)  # other departments', for what people outside do: pay a slip, say

    def fact(self, entity: str, key: str) -> Event | None:
        """The last word on one fact, if it stands."""
        history = self.book.history(entity, key)
        return history[-1] if history and history[-1].data["active"] else None

    def facts(self, entity: str, **where: Any) -> list[Fact]:
        """Those that stand."""
        return self.book.find(entity, {"active": True, **where})

    def chance(self, *of: str) -> float:
        """Between 0 and 1, the same for the same words."""
        return int.from_bytes(sha256("/".join(of).encode()).digest()[:4]) / 2**32


Answer = Callable[[Request, Look], Verdict]
Chore = Callable[[Look], Sequence[Say]]


@dataclass(frozen=True, slots=True)
class Office:
    """How one department works: an answer per table of requests, and what it does by itself on a day."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    chores: Sequence[Chore] = ()


@dataclass(slots=True)
class Worked:
    confirmed: int = 0
    rejected: int = 0
    proposed: int = 0
    said: int = 0  # facts, acknowledgements not counted

    def __iadd__(self, other: Worked) -> Self:
        self.confirmed += other.confirmed
        self.rejected += other.rejected
        self.proposed += other.proposed
        self.said += other.said
        return self


@dataclass(frozen=True, slots=True)
class Desk:
    """The staff of one department. Used by one thread."""

    id: str
    office: Office
    proposals: Proposals
    files: Files
    world: Mapping[str, Files] = field(repr=False)

    @property
    def book(self) -> FactBook:
        return self.proposals.book

    def work(self, on: date, recorded: datetime | None = None, *, chores: bool = True) -> Worked:
        """One day. `recorded`: the simulated instant; `chores`: also what nobody asked for."""
        look, worked = Look(on, self.book, self.files, self.world), Worked()
        for request in self.proposals.open():
            self._answer(request, look, recorded, worked)
        for chore in self.office.chores if chores else ():
            worked.said += len(self.book.say(None, list(chore(look)), recorded))
        return worked

    def _answer(self, request: Request, look: Look, recorded: datetime | None, worked: Worked) -> None:
        place = (request.table, request.event_id)
        if request.state != PROPOSED and look.chance(*place) < 1 / SLOW:
            self.proposals.propose(*place, by=STAFF)
            worked.proposed += 1
            return
        try:
            verdict = self._verdict(request, look)
            decide = self.proposals.confirm if verdict.confirm else self.proposals.reject
            done = decide(*place, verdict.says, by=STAFF, note=verdict.note, recorded=recorded)
            worked.said += len(done.facts)
        except Reject as refused:  # the book says that there is nothing to say: the fact stands already, has ended, …
            verdict = Verdict(confirm=False)
            self.proposals.reject(*place, by=STAFF, note=refused.code, recorded=recorded)
        worked.confirmed += verdict.confirm
        worked.rejected += not verdict.confirm

    def _verdict(self, request: Request, look: Look) -> Verdict:
        answer = self.office.answers.get(request.table)
        if request.supersedes is None:
            return answer(request, look) if answer else NOTED
        acknowledged = f"{self.id}.decision"
        former = [
            one for one in self.book.caused(request.supersedes) if one.entity != acknowledged and not one.annulled
        ]
        if request.kind != "CORRECT":
            says = [Say(one.entity, one.key, "TORIKESHI", supersedes=one.event_id) for one in reversed(former)]
            return Verdict(confirm=True, says=says, note="taken back")
        verdict = answer(request, look) if answer else NOTED
        return verdict._replace(says=[_corrected(say, former) for say in verdict.says])


def _corrected(say: Say, former: Sequence[Said]) -> Say:
    """What was said because of the request that is corrected is corrected itself; anything else is said anew."""
    said = next((one for one in former if (one.entity, one.key) == (say.entity, say.key)), None)
    return say if said is None else replace(say, reason="TEISEI", supersedes=said.event_id)
