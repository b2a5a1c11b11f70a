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
from bus.dates import day
from bus.errors import Reject
from bus.event import Event
from bus.fact.say import Say
from bus.town.stories.script import Filing

STAFF: Final = "desk (simulated)"
PATIENCE: Final = 5  # days that a request may wait for what it needs; then it is rejected
CORRECTED, BACK = "TEISEI", "TORIKESHI"
SLOW: Final = 5  # one request in so many is only proposed at first, and confirmed when it is looked at again


class Verdict(NamedTuple):
    """What is decided about one request, and what the department says because of it."""

    confirm: bool
    says: Sequence[Say] = ()
    note: str = ""
    waits: bool = False  # what it needs may still come: for some days it is looked at again before it is decided


NOTED: Final = Verdict(confirm=True)  # seen, and nothing is to be said
LATER: Final = Verdict(confirm=False, note="what it needs did not come", waits=True)


@dataclass(frozen=True, slots=True)
class Look:
    """All that a decision may depend on.

    Where a request is corrected, what was said because of it counts as not said (`besides`): the answer is the same
    as if the request had been right at once. What would not have been said then is taken back.
    """

    on: date
    book: FactBook
    files: Files
    world: Mapping[str, Files] = field(repr=False)  # other departments', for what people outside do: pay a slip, say
    filings: Sequence[Filing] = ()  # what reached this department's window today
    besides: Sequence[Said] = ()

    def fact(self, entity: str, key: str) -> Event | None:
        """The last word on one fact, if it stands."""
        besides = {one.event_id for one in self.besides}
        last: Event | None = None
        for event in self.book.history(entity, key):
            if event.id not in besides:
                last = event
            elif event.kind == "REGISTER":
                last = None
                besides |= {after.id for after in self.book.history(entity, key) if after.version > event.version}
        return last if last is not None and last.data["active"] else None

    def facts(self, entity: str, **where: Any) -> list[Fact]:
        """Those that stand."""
        touched = {one.key for one in self.besides if one.entity == entity}
        found = [one for one in self.book.find(entity, {"active": True, **where}) if one.key not in touched]
        again = [event for key in sorted(touched) if (event := self.fact(entity, key)) is not None]
        return found + [
            Fact(entity, event.key, event.version, event.data, event.recorded)
            for event in again
            if all(event.data.get(path) == value for path, value in where.items())
        ]

    def chance(self, *of: str) -> float:
        """Between 0 and 1, the same for the same words."""
        return int.from_bytes(sha256("/".join(of).encode()).digest()[:4]) / 2**32


def noted(_: Request, __: Look) -> Verdict:
    """The answer where staff look, and no fact of theirs follows."""
    return NOTED


Answer = Callable[[Request, Look], Verdict]
Chore = Callable[[Look], Sequence[Say]]


@dataclass(frozen=True, slots=True)
class Office:
    """How one department works: an answer per table of requests, and what it does by itself on a day.

    `closing` is done at the end of every look, also when no more days come: sums of what was decided, accounts of what
    arrived. It says nothing where all is as it should be, or nobody would ever be done.
    """

    answers: Mapping[str, Answer] = field(default_factory=dict)
    chores: Sequence[Chore] = ()
    closing: Sequence[Chore] = ()


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

    @property
    def is_nothing(self) -> bool:
        return not (self.confirmed or self.rejected or self.proposed or self.said)


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

    def work(
        self, on: date, recorded: datetime | None = None, *, chores: bool = True, filings: Sequence[Filing] = ()
    ) -> Worked:
        """One day. `recorded`: the simulated instant; `chores`: also what nobody asked for."""
        look, worked = Look(on, self.book, self.files, self.world, filings), Worked()
        requests = self.proposals.open()
        replaced = {request.supersedes: request.kind for request in requests if request.supersedes}
        for request in requests:
            self._answer(request, look, recorded, worked, replaced.get(request.event_id))
        for chore in (*(self.office.chores if chores else ()), *self.office.closing):
            try:
                worked.said += len(self.book.say(None, list(chore(look)), recorded))
            except Reject as refused:
                refused.where = f"{self.id}: {getattr(chore, '__name__', 'a chore')}, {refused.where}"
                raise  # nobody asked for it, so it is the office that is wrong
        return worked

    def _answer(
        self, request: Request, look: Look, recorded: datetime | None, worked: Worked, replaced: str | None
    ) -> None:
        place = (request.table, request.event_id)
        if not replaced and request.state != PROPOSED and _is_slow(request, look):
            self.proposals.propose(*place, by=STAFF, recorded=recorded)
            worked.proposed += 1
            return
        try:
            verdict = Verdict(confirm=False, note=f"{replaced} before it was decided") if replaced else None
            verdict = verdict or self._verdict(request, look)
            if verdict.waits and not self._has_waited(request, look):
                worked.proposed += self.proposals.propose(*place, by=STAFF, recorded=recorded).is_new
                return
            decide = self.proposals.confirm if verdict.confirm else self.proposals.reject
            done = decide(*place, verdict.says, by=STAFF, note=verdict.note, recorded=recorded)
            worked.said += len(done.facts) - self._acknowledges
        except Reject as refused:  # the book says that there is nothing to say: the fact stands already, has ended, …
            verdict = Verdict(confirm=False)
            self.proposals.reject(*place, by=STAFF, note=refused.code, recorded=recorded)
        worked.confirmed += verdict.confirm
        worked.rejected += not verdict.confirm

    @staticmethod
    def _has_waited(request: Request, look: Look) -> bool:
        since = request.decided_at if request.state == PROPOSED else None
        return since is not None and (look.on - day(since)).days >= PATIENCE

    @property
    def _acknowledges(self) -> bool:
        return self.book.speaks(f"{self.id}.decision")

    def _verdict(self, request: Request, look: Look) -> Verdict:
        answer = self.office.answers.get(request.table, noted)
        if request.supersedes is None:
            return answer(request, look)
        former = self._former(request.table, request.supersedes)
        if request.kind != "CORRECT":
            return Verdict(confirm=True, says=[_back(one) for one in reversed(former)], note="taken back")
        verdict = answer(request, replace(look, besides=former))
        return verdict if verdict.waits else verdict._replace(says=_corrected(verdict.says, former))

    def _former(self, table: str, event_id: str) -> list[Said]:
        """What stands of what was said when an earlier event asked the same."""
        led = self.proposals.led(table, event_id)
        return [
            one
            for one in self.book.caused(event_id)
            if one.event_id in led and not one.annulled and one.reason != BACK and one.entity != f"{self.id}.decision"
        ]


def _is_slow(request: Request, look: Look) -> bool:
    """By what is asked: its event has another id whenever the same story is told."""
    return look.chance(request.table, request.kind, *map(str, request.row.values())) < 1 / SLOW


def _back(one: Said) -> Say:
    return Say(one.entity, one.key, BACK, supersedes=one.event_id)


def _corrected(says: Sequence[Say], former: Sequence[Said]) -> list[Say]:
    """What was said is corrected where it is said again, and taken back where it is not; anything else is said anew."""
    left, right = list(former), list[Say]()
    for say in says:
        place = (say.entity, say.key)
        said = next(
            (one for one in left if (one.entity, one.key) == place and one.reason in (say.reason, CORRECTED)), None
        )
        if said is not None:
            left.remove(said)
            say = replace(say, reason=CORRECTED, supersedes=said.event_id)
        right.append(say)
    return [_back(one) for one in reversed(left)] + right
