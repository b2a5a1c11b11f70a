"""Which record does one subscription get for one canonical event? Pure; compiled once per subscription and entity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from bus.contract.schema import Contract
from bus.dates import Uncertain, day
from bus.disclosure.decision import CLOCK, NOBODY, mode, touches
from bus.disclosure.protect import hides, is_hidden
from bus.disclosure.purpose import Stanza
from bus.errors import BusError, Reject, Undecided
from bus.event import DATA, REMOVED, ChangeSet

Cells = tuple[Any, ...]
Rule = Callable[
    [Mapping[str, Any], date], bool
]  # gets the granted fields as the subscription may see them, and the day


class Image(NamedTuple):
    """One side of a canonical event: the values of all paths that anybody hears, in the order of Audience.asked."""

    cells: Cells
    protected: bool
    recorded: datetime


class Spoken(NamedTuple):
    """A canonical event, read."""

    id: str
    key: str
    version: int
    micros: int
    kind: str
    reason: str
    effective: Uncertain
    supersedes: str | None
    change_set: ChangeSet | None
    undoes: Sequence[str]
    incarnation: str
    before: Image | None
    after: Image


class Said(NamedTuple):
    """What the subscription is to be told."""

    mode: str
    value: bytes


class Seen:
    """One image as the subscription may see it."""

    __slots__ = ("_recorded", "_rule", "protected", "visible")

    def __init__(self, visible: Cells, image: Image, rule: Callable[[Cells, datetime], bool] | None) -> None:
        self.visible, self.protected = visible, image.protected
        self._recorded, self._rule = image.recorded, rule

    @property
    def concerns(self) -> bool:
        return self.concerned(self._recorded)

    def concerned(self, at: datetime) -> bool:
        return self._rule is None or self._rule(self.visible, at)


class Hearing:
    """One subscription's ear for one entity."""

    def __init__(
        self, stanza: Stanza, contract: Contract, image: dict[str, Any], asked: Sequence[str], rule: Rule | None
    ) -> None:
        """`contract`: the narrowed one. `image`: the schema of the whole image. `asked`: what Image.cells hold.

        `rule`: the subscription's `concerns`; None: every person concerns it.
        """
        self.id = stanza.id
        self.topic = contract.topic
        self.contract = contract
        self._asked = None if rule is None else partial(self._concerns, rule)
        self._clock = frozenset(stanza.clock)
        self._paths = contract.paths
        self._pick = picker([asked.index(path) for path in self._paths])
        self._nest = nester(self._paths)
        hidden = frozenset() if stanza.sees_protected else hides(image)
        self._hidden = tuple(index for index, path in enumerate(self._paths) if is_hidden(path, hidden))
        self._open_paths = tuple(path for path in self._paths if not is_hidden(path, hidden))

    def hear(self, event: Spoken) -> Said | None:
        """None: the subscription hears nothing. Raises Reject RULE when its rule fails."""
        if event.kind == CLOCK and event.reason not in self._clock:
            return None
        after = self.side(event.after)
        before = None if event.before is None else self.side(event.before)
        said = mode(event.kind, before or NOBODY, after, undone=self._undone(event, after))
        if said is None:
            if before is None or not self._came_by_calendar(event, before):
                return None
            said = REMOVED
        head = (event.id, event.key, event.version, event.micros, said)
        if said != DATA:
            return Said(said, self.contract.encode_narrowed(*head, None, incarnation=event.incarnation))
        body = (event.kind, event.reason, event.effective, event.supersedes, event.change_set, after.protected)
        return Said(said, self.contract.encode_narrowed(*head, body, after.visible, incarnation=event.incarnation))

    def _came_by_calendar(self, event: Spoken, before: Seen) -> bool:
        """Did a day between two versions make the person concern us, so that a duty of the calendar was heard?

        A duty by which it no longer does is judged by the day before it.
        """
        if not self._clock or self._asked is None:
            return False
        return before.concerned(event.after.recorded - timedelta(days=event.kind == CLOCK))

    def side(self, image: Image) -> Seen:
        visible = self._pick(image.cells)
        if image.protected and self._hidden:
            masked = list(visible)
            for index in self._hidden:
                masked[index] = None
            visible = tuple(masked)
        return Seen(visible, image, self._asked)

    def _concerns(self, rule: Rule, visible: Cells, recorded: datetime) -> bool:
        """Undecided counts as yes: the department then decides, which it cannot about what it does not hear."""
        try:
            return bool(rule(self._nest(visible), day(recorded)))
        except Undecided:
            return True
        except BusError as error:
            raise Reject(f"the concerns rule of {self.id} refuses: {error.code}", code="RULE") from None
        except Exception as error:  # noqa: BLE001  # a rule is a department's code: whatever it does is this event's fault
            raise Reject(f"the concerns rule of {self.id} fails: {type(error).__name__}", code="RULE") from None

    def _undone(self, event: Spoken, after: Seen) -> bool:
        if event.supersedes is None or not event.undoes:
            return False
        return touches(self._open_paths if after.protected else self._paths, event.undoes)


def picker(indices: Sequence[int]) -> Callable[[Cells], Cells]:
    if len(indices) == 1:
        (only,) = indices
        return lambda cells: (cells[only],)
    return itemgetter(*indices)


def nester(paths: Sequence[str]) -> Callable[[Cells], dict[str, Any]]:
    """Compiled: the values of `paths` nested as the image is, {"birth": v[0], "address": {"lot": v[1]}}."""
    if not all(part.isidentifier() for path in paths for part in path.split(".")):
        raise ValueError("a path is not made of names")
    shape: dict[str, Any] = {}
    for index, path in enumerate(paths):
        *groups, leaf = path.split(".")
        inner = shape
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[leaf] = index
    made: Callable[[Cells], dict[str, Any]] = eval(f"lambda v: {_source(shape)}")  # noqa: S307  # names and numbers only
    return made


def _source(shape: Mapping[str, Any]) -> str:
    cells = (f"{name!r}: {_source(at) if isinstance(at, dict) else f'v[{at}]'}" for name, at in shape.items())
    return "{" + ", ".join(cells) + "}"
