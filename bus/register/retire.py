"""When may a day of the outbox be dropped? Once every department has confirmed all that it led to.

Three stages, each remembered before the next is asked for. The relay is past the day: the canonical topics' end offsets
are noted. The projector is past these: the narrowed topics' end offsets are noted. Every processor is past the former,
every department past the latter: the day is dropped. It is the same for the register's outbox, the processors' and the
departments' own; each waits for those only that hear what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from bus.broker import Offsets

KEEP = "keep"
NOTE_CANONICAL = "note canonical"
NOTE_NARROWED = "note narrowed"
DROP = "drop"
NOT_OVER = "the day is not over"


@dataclass(frozen=True, slots=True)
class Day:
    """One day partition, and what was noted about it so far."""

    day: date
    table: str
    last: Mapping[int, int]  # shard -> the highest number in it
    canonical: Offsets | None = None
    narrowed: Offsets | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far everybody is. `said`: per shard the number up to which nothing is unpublished or blocked."""

    today: date
    said: Mapping[int, int]
    projector: Offsets
    departments: Mapping[str, Offsets]
    subscribed: Mapping[str, frozenset[str]]  # department -> its narrowed topics of what the outbox says
    processors: Mapping[str, Offsets] = field(default_factory=dict)
    heard: Mapping[str, frozenset[str]] = field(default_factory=dict)  # processor -> canonical topics


def decide(day: Day, progress: Progress) -> tuple[str, str]:
    """(what to do with the day now, what it waits for)"""
    if day.day >= progress.today:
        return KEEP, NOT_OVER
    if not day.last:
        return DROP, ""  # nothing was said on it
    if any(last > progress.said.get(shard, 0) for shard, last in day.last.items()):
        return KEEP, "the relay"
    if day.canonical is None:
        return NOTE_CANONICAL, "the projector"
    if not _past(progress.projector, day.canonical):
        return KEEP, "the projector"
    if day.narrowed is None:
        return NOTE_NARROWED, "the departments"
    late = _late(progress.heard, progress.processors, day.canonical)
    late = late or _late(progress.subscribed, progress.departments, day.narrowed)
    return (KEEP, late) if late else (DROP, "")


def _late(readers: Mapping[str, frozenset[str]], positions: Mapping[str, Offsets], ends: Offsets) -> str | None:
    """The first reader, by name, that is not past all that its topics held."""
    for reader, topics in sorted(readers.items()):
        mine = {place: end for place, end in ends.items() if place[0] in topics}
        if not _past(positions.get(reader, {}), mine):
            return reader
    return None


def _past(position: Offsets, ends: Offsets) -> bool:
    return all(position.get(place, 0) >= end for place, end in ends.items())


class Days(Protocol):
    """Port: an outbox's days, and the notes about them."""

    def days(self) -> Sequence[Day]:
        """What was noted about a day is gone as soon as the day holds more than it did then."""

    def note(self, day: Day, column: str, ends: Offsets) -> None: ...
    def drop(self, day: Day) -> bool: ...


def maintain(
    days: Days, progress: Progress, canonical: Callable[[], Offsets], narrowed: Callable[[], Offsets]
) -> list[tuple[str, str, str]]:
    """Takes every day as far as it may go: (table, what was done to it, what it waits for).

    `progress` is older than the ends that are noted now, so a note always covers what the stage before it has done.
    """
    return [_advance(days, day, progress, canonical, narrowed) for day in days.days()]


def _advance(
    days: Days, day: Day, progress: Progress, canonical: Callable[[], Offsets], narrowed: Callable[[], Offsets]
) -> tuple[str, str, str]:
    done = KEEP
    while True:
        action, waits = decide(day, progress)
        if action == NOTE_CANONICAL:
            ends = canonical()
            days.note(day, "canonical", ends)
            day = replace(day, canonical=ends)
        elif action == NOTE_NARROWED:
            ends = narrowed()
            days.note(day, "narrowed", ends)
            day = replace(day, narrowed=ends)
        elif action == DROP:
            return (day.table, DROP, "") if days.drop(day) else (day.table, KEEP, "the relay")
        else:
            return day.table, done, waits
        done = action
