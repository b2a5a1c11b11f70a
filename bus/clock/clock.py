"""How does a day of the calendar become an event? Once per person and duty, in order, also after days of silence.

The outbox row, the note that it is said, and the end of its being due are one transaction, under the person's row lock.
A person's days are worked out anew whenever the register has a new version of them: what was said and is not right any
more is taken back then, and what is right is said once its day has come, or at once if it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final
from uuid import uuid4

from bus.clock.book import Book, Person, Present, Standing
from bus.clock.duties import Calendar, Due
from bus.clock.life import Life, Stay, life
from bus.dates import JAPAN, Uncertain, day as day_of
from bus.errors import Usage
from bus.event import Event
from bus.register import outbox
from bus.register.entry import Entry, is_simulated

BATCH: Final = 500  # persons that are locked at a time
_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_REWRITES: Final = ("CORRECT", "ANNUL")  # kinds that say what was so already; any other says what is so from now on


@dataclass(slots=True)
class Report:
    """What one run has done. `review`: how many wait for a person's look, by duty."""

    since: date | None = None  # the last day that was said before
    until: date | None = None
    days: int = 0
    said: Counter[str] = field(default_factory=Counter)
    annulled: Counter[str] = field(default_factory=Counter)
    review: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "since": self.since,
            "until": self.until,
            "days": self.days,
            "said": dict(sorted(self.said.items())),
            "annulled": dict(sorted(self.annulled.items())),
            "review": dict(self.review),
        }


class Clock:
    """The calendar as a source of the register's events."""

    def __init__(self, entry: Entry, calendar: Calendar, transits: frozenset[str]) -> None:
        self.entry, self.calendar, self.transits = entry, calendar, transits
        self.book = Book(entry.engine, entry.shape)
        self.simulated = is_simulated(entry.town)

    def run(self, until: date, *, since: date | None = None) -> Report:
        """Says all that is due up to and including a day. In a real town that is today at the latest."""
        if not self.simulated and until > day_of(datetime.now(UTC)):
            raise Usage("a day that has not come cannot be said", code="CLOCK_AHEAD")
        report = Report()
        with self.book.alone():
            stand = self.book.stand(since)
            if stand is not None:
                self._days(stand, until, report)
            report.review = self.book.reviews()
        return report

    def _days(self, stand: tuple[date, date], until: date, report: Report) -> None:
        began, day = stand
        report.since = day
        self._learn(self.book.changed(), began, day, report)
        self._day(began, day, day, report)  # what became due since, of days that are over
        while day < until:
            self._day(began, day, day + _DAY, report)
            day += _DAY
            report.days += 1
            self.book.reached(day)
        report.until = day

    def _learn(self, keys: Sequence[str], began: date, upto: date, report: Report) -> None:
        for some in _batches(keys):
            with self.entry.engine.begin() as db:
                persons = self.book.locked(db, some)
                histories, standing = self.book.histories(db, some), self.book.standing(db, some)
                known: list[dict[str, Any]] = []
                due: list[tuple[str, Due]] = []
                wrong: list[tuple[str, Due, str | None]] = []
                for key, person in persons.items():
                    lived = life([version for _, version in histories[key]], self.transits)
                    said = standing.get(key, [])
                    due += ((key, one) for one in self._still_due(lived, said, began, upto))
                    is_rewritten = any(v.kind in _REWRITES for n, v in histories[key] if n > (person.known or 0))
                    wrong += ((key, Due(s.duty, s.day), s.event_id) for s in self._wrong(lived, said, is_rewritten))
                    gone = lived.stays[-1].until if lived.stays else None
                    known.append({"key": key, "version": person.version, "gone": gone})
                self.book.learnt(db, known, due)
                report.annulled.update(event.reason for event in self._say(db, persons, wrong))

    def _still_due(self, lived: Life, said: Sequence[Standing], began: date, upto: date) -> Iterator[Due]:
        """What should have been said and was not, and what comes."""
        known = {(one.duty, one.day) for one in said}
        for one in (*self.calendar.until(lived, began, upto), *self.calendar.after(lived, upto)):
            if (one.duty, one.day) not in known:
                yield one
            elif self.calendar.by_reason[one.duty].recurs and one.day > upto:  # said today, before this was learnt
                yield from self._next(one, lived)

    def _wrong(self, lived: Life, said: Sequence[Standing], is_rewritten: bool) -> Iterator[Standing]:
        """A permit that was extended had ended all the same; a birth that changes never was."""
        for one in said:
            duty = self.calendar.by_reason.get(one.duty)
            if duty is not None and not self.calendar.holds(duty, lived, one.day):
                was_here = any(stay.includes(one.day) for stay in lived.stays)
                if duty.is_of_birth or duty.recurs or is_rewritten or not was_here:
                    yield one

    def _day(self, began: date, reached: date, day: date, report: Report) -> None:
        """Whoever was changed meanwhile is learnt anew, and asked again."""
        while keys := self.book.whom(day, BATCH):
            with self.entry.engine.begin() as db:
                persons = self.book.locked(db, keys)
                fresh = {key: one for key, one in persons.items() if one.version == one.known}
                report.said.update(self._of_day(db, fresh, reached, day))
            if len(fresh) < len(persons):
                self._learn(sorted(persons.keys() - fresh.keys()), began, reached, report)

    def _of_day(self, db: Any, persons: Mapping[str, Person], reached: date, day: date) -> list[str]:
        """Says what is due of these persons; what it said."""
        due = sorted(self.book.due(db, list(persons), day), key=self._in_order)
        sure = [(key, one, None) for key, one in due if one.why is None]
        present = self.book.present(db, list({key for key, _ in due}))
        coming = [
            (key, following)
            for key, one in due
            if self.calendar.by_reason[one.duty].recurs and one.day > reached
            for following in self._next(one, _unchanged(one, present[key], persons[key]))
        ]
        self.book.done(db, list(persons), day, [(key, one) for key, one in due if one.why is not None])
        self.book.add_due(db, coming)
        return [event.reason for event in self._say(db, persons, sure, present)]

    def _next(self, one: Due, lived: Life) -> Iterator[Due]:
        yield from islice(self.calendar.between(self.calendar.by_reason[one.duty], lived, one.day, date.max), 1)

    def _in_order(self, item: tuple[str, Due]) -> tuple[date, int, str]:
        key, one = item
        return one.day, self.calendar.order[one.duty], key

    def _say(
        self,
        db: Any,
        persons: Mapping[str, Person],
        what: Sequence[tuple[str, Due, str | None]],
        present: Mapping[str, Present] | None = None,
    ) -> list[Event]:
        """`what`: of whom, the duty and its day, and the event that it takes back."""
        if not what:
            return []
        present = present or self.book.present(db, list({key for key, *_ in what}))
        images = {key: self.entry.shape.nested(one.image) for key, one in present.items()}
        last = {key: max(one.recorded, persons[key].spoken or one.recorded) for key, one in present.items()}
        events: list[Event] = []
        for key, one, supersedes in what:
            last[key] = max(self._instant(one.day), last[key] + _TICK)
            events.append(
                Event(
                    id=str(uuid4()), kind="CLOCK", reason=one.duty, key=key, version=persons[key].version,
                    effective=Uncertain.on(one.day), recorded=last[key].astimezone(UTC), data=images[key],
                    supersedes=supersedes, protected=present[key].protected,
                    before=images[key], before_recorded=present[key].recorded.astimezone(UTC),
                )
            )  # fmt: skip
        outbox.put_many(db, events, self.entry.contract, self.entry.town, self.entry.incarnation)
        self.book.said(db, events)
        return events

    def _instant(self, day: date) -> datetime:
        """A simulated town speaks at the stroke of midnight; a real one when it does."""
        return datetime.combine(day, time(), JAPAN) if self.simulated else datetime.now(UTC)


def _unchanged(one: Due, present: Present, person: Person) -> Life:
    """Of somebody who has no new version since: the stay goes on as it was known."""
    return Life((Stay(one.day, person.gone, date.min),), present.image["birth"])


def _batches(keys: Sequence[str]) -> Iterator[list[str]]:
    for first in range(0, len(keys), BATCH):
        yield list(keys[first : first + BATCH])
