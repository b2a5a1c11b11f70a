"""What is a processor? A fold with a name: what it remembers and says follows from what it hears, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from bus.codec.strict import EPOCH
from bus.dates import Uncertain
from bus.event import ChangeSet, Event

State = Mapping[str, Any]  # as JSON holds it
Recall = Callable[[str], State | None]  # what is remembered under a key


class Heard(NamedTuple):
    """A canonical event as a fold hears it. Images by path; blank where the schema has not got the path."""

    entity: str
    key: str
    version: int
    recorded: int  # µs since 1970
    kind: str
    reason: str
    effective: Uncertain
    change_set: ChangeSet | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    stamp: int  # ms since 1970, by the broker's clock

    @property
    def person(self) -> str:
        return f"{self.entity}:{self.key}"


class Said(NamedTuple):
    """What a fact is now. It is said only if it is not what was said of it last."""

    key: str
    image: Mapping[str, Any]
    effective: Uncertain
    recorded: int


class Folded(NamedTuple):
    states: Mapping[str, State | None]  # None: forgotten
    said: Sequence[Said] = ()


@dataclass(frozen=True)
class Processor:
    """Every function is pure: it asks `Recall` and nobody else, and changes nothing that it is given."""

    id: str
    reads: Mapping[str, tuple[str, ...]]  # entity -> paths of its image
    writes: str  # entity
    needs: Callable[[Heard], Sequence[str]]  # what `fold` will surely recall: asked for at once for many events
    fold: Callable[[Recall, Heard], Folded]
    waiting: str  # memory keys that begin so wait for further events; their states: `stamp`, `released`, `is_brief`
    release: Callable[[Recall, str], Folded]  # what waits under this key waits no longer
    standing: str  # memory keys that begin so are of one fact each
    fact: Callable[[Recall, str], Said | None]  # … and what that fact is now; None: something waits


class Spoken(NamedTuple):
    """What was said of a fact last."""

    version: int
    recorded: int
    image: Mapping[str, Any]


_BEGINS: Final = ("REGISTER", "KETTEI")  # kind and reason, as in schemas/codes/fact_reason.yaml
_CHANGES: Final = ("AMEND", "HENKO")
_ENDS: Final = ("END", "SHURYO")


def speak(said: Iterable[Said], spoken: Mapping[str, Spoken], new_id: Callable[[], str]) -> list[Event]:
    """The events that say what is new, in gap-free versions per fact."""
    last, events = dict(spoken), list[Event]()
    for one in said:
        before = last.get(one.key)
        if (before is None and not one.image["active"]) or (before is not None and before.image == one.image):
            continue
        event = _event(one, before, new_id())
        last[one.key] = Spoken(event.version, _micros(event), one.image)
        events.append(event)
    return events


def _event(said: Said, before: Spoken | None, new_id: str) -> Event:
    was_active = before is not None and bool(before.image["active"])
    kind, reason = _ENDS if not said.image["active"] else _CHANGES if was_active else _BEGINS
    return Event(
        id=new_id,
        kind=kind,
        reason=reason,
        key=said.key,
        version=before.version + 1 if before else 1,
        effective=said.effective,
        recorded=EPOCH + timedelta(microseconds=max(said.recorded, before.recorded if before else 0)),
        data=said.image,
        before=before.image if before else None,
        before_recorded=EPOCH + timedelta(microseconds=before.recorded) if before else None,
    )


def _micros(event: Event) -> int:
    return (event.recorded - EPOCH) // timedelta(microseconds=1)


def spoken_by(event: Event) -> Spoken:
    return Spoken(event.version, _micros(event), event.data)
