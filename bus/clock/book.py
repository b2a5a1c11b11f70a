"""What has the calendar said of whom, and what is still to come? Its tables, and nothing else.

Everything is written under the person's row lock, which the register takes too: what is said is of the present version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, exc, text

from bus.clock.duties import Due
from bus.clock.life import Version
from bus.dates import day
from bus.errors import Unavailable
from bus.event import Event
from bus.register.history import effective
from bus.resident.image import Shape

_ALONE: Final = text("SELECT pg_try_advisory_lock(7_010_124)")
_LEAVE: Final = text("SELECT pg_advisory_unlock(7_010_124)")
_FIRST: Final = text("SELECT min(recorded) FROM resident_history")
_BEGIN: Final = text("INSERT INTO clock_until (began, day) VALUES (:day, :day) ON CONFLICT DO NOTHING")
_STAND: Final = text("SELECT began, day FROM clock_until")
_REACH: Final = text("UPDATE clock_until SET day = :day WHERE day < :day")
_CHANGED: Final = text(
    "SELECT p.key FROM person p LEFT JOIN clock_known c USING (key) "
    "WHERE c.version IS DISTINCT FROM p.version ORDER BY 1"
)
_LOCK: Final = text("SELECT key FROM person WHERE key = ANY(:keys) ORDER BY key FOR UPDATE")
_PERSONS: Final = text(
    "SELECT p.key, p.version, c.version AS known, c.gone, "
    "(SELECT max(recorded) FROM clock_said s WHERE s.key = p.key) AS spoken "
    "FROM person p LEFT JOIN clock_known c USING (key) WHERE p.key = ANY(:keys)"
)
_PRESENT: Final = text("SELECT h.* FROM person p JOIN resident_history h USING (key, version) WHERE p.key = ANY(:keys)")
_HISTORY: Final = text("SELECT * FROM resident_history WHERE key = ANY(:keys) ORDER BY key, version")
_STANDING: Final = text(
    "SELECT event_id, duty, key, due FROM clock_said "
    "WHERE key = ANY(:keys) AND supersedes IS NULL AND superseded_by IS NULL"
)
_WHOM: Final = text("SELECT key FROM clock_due WHERE due <= :day ORDER BY due, key LIMIT :limit")
_DUE: Final = text("SELECT duty, key, due, why FROM clock_due WHERE due <= :day AND key = ANY(:keys)")
_KNOW: Final = text(
    "INSERT INTO clock_known (key, version, gone) VALUES (:key, :version, :gone) "
    "ON CONFLICT (key) DO UPDATE SET version = excluded.version, gone = excluded.gone"
)
_ADD_DUE: Final = text(
    "INSERT INTO clock_due (duty, key, due, why) SELECT * FROM unnest(CAST(:duties AS text[]), CAST(:keys AS text[]), "
    "CAST(:days AS date[]), CAST(:whys AS text[])) ON CONFLICT DO NOTHING"
)
_DROP_DUE: Final = text("DELETE FROM clock_due WHERE key = ANY(:keys)")
_DROP_SAID: Final = text("DELETE FROM clock_due WHERE key = ANY(:keys) AND due <= :day")
_DROP_REVIEW: Final = text("DELETE FROM clock_review WHERE key = ANY(:keys)")
_REVIEW: Final = text(
    "INSERT INTO clock_review (duty, key, due, why) VALUES (:duty, :key, :due, :why) "
    "ON CONFLICT (duty, key) DO UPDATE SET due = excluded.due, why = excluded.why"
)
_SAY: Final = text(
    "INSERT INTO clock_said (event_id, duty, key, due, version, recorded, supersedes) "
    "VALUES (:id, :duty, :key, :due, :version, :recorded, CAST(:supersedes AS uuid))"
)
_TAKE_BACK: Final = text("UPDATE clock_said SET superseded_by = :id WHERE event_id = CAST(:supersedes AS uuid)")
_REVIEWS: Final = text("SELECT duty, count(*) AS number FROM clock_review GROUP BY duty ORDER BY duty")


class Standing(NamedTuple):
    """What was said of somebody and not taken back."""

    event_id: str
    duty: str
    day: date


class Person(NamedTuple):
    """Somebody under our lock. `spoken`: when the calendar said something last."""

    key: str
    version: int
    known: int | None
    gone: date | None
    spoken: datetime | None


class Present(NamedTuple):
    """A person's present version."""

    image: dict[str, Any]  # flat
    recorded: datetime
    protected: bool


class Book:
    def __init__(self, engine: Engine, shape: Shape) -> None:
        self.engine, self.shape = engine, shape

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One clock at a time; a session's lock, so that a killed one leaves none behind."""
        with self.engine.connect() as session:
            if not session.execute(_ALONE).scalar_one():
                raise Unavailable("another clock is running", code="CLOCK_RUNS", hint="wait until it has ended")
            session.commit()
            try:
                yield
            finally:
                with suppress(exc.DBAPIError):  # a session that is lost has lost the lock
                    session.execute(_LEAVE)
                    session.commit()

    def stand(self, since: date | None) -> tuple[date, date] | None:
        """(the day the clock began, the last day that is said); None: there is nobody yet.

        `since`: a first run says the days after it; else those after the first day of the register.
        """
        with self.engine.begin() as db:
            first = db.execute(_FIRST).scalar_one()
            if first is None:
                return None
            db.execute(_BEGIN, {"day": since or day(first)})
            stand = db.execute(_STAND).one()
            return stand.began, stand.day

    def reached(self, day: date) -> None:
        with self.engine.begin() as db:
            db.execute(_REACH, {"day": day})

    def changed(self) -> list[str]:
        """Whose days were worked out from an older version, or never."""
        with self.engine.connect() as db:
            return list(db.execute(_CHANGED).scalars())

    def whom(self, day: date, limit: int) -> list[str]:
        """Of whom something is to be said up to that day, the oldest day first."""
        with self.engine.connect() as db:
            return list(dict.fromkeys(db.execute(_WHOM, {"day": day, "limit": limit}).scalars()))

    def reviews(self) -> dict[str, int]:
        with self.engine.connect() as db:
            return {row.duty: row.number for row in db.execute(_REVIEWS)}

    # In a transaction of the caller's, of persons it has locked:

    @staticmethod
    def locked(db: Connection, keys: Sequence[str]) -> dict[str, Person]:
        db.execute(_LOCK, {"keys": list(keys)})
        return {row.key: Person._make(row) for row in db.execute(_PERSONS, {"keys": list(keys)})}

    def histories(self, db: Connection, keys: Sequence[str]) -> dict[str, list[tuple[int, Version]]]:
        rows = db.execute(_HISTORY, {"keys": list(keys)})
        return {
            key: [(row.version, self._version(row)) for row in versions]
            for key, versions in groupby(rows, key=lambda row: row.key)
        }

    def present(self, db: Connection, keys: Sequence[str]) -> dict[str, Present]:
        read = self.shape.from_json
        rows = db.execute(_PRESENT, {"keys": list(keys)})
        return {row.key: Present(read(row.image), row.recorded, row.protected) for row in rows}

    @staticmethod
    def standing(db: Connection, keys: Sequence[str]) -> dict[str, list[Standing]]:
        found: dict[str, list[Standing]] = {}
        for row in db.execute(_STANDING, {"keys": list(keys)}):
            found.setdefault(row.key, []).append(Standing(str(row.event_id), row.duty, row.due))
        return found

    @staticmethod
    def due(db: Connection, keys: Sequence[str], day: date) -> list[tuple[str, Due]]:
        rows = db.execute(_DUE, {"keys": list(keys), "day": day})
        return [(row.key, Due(row.duty, row.due, row.why)) for row in rows]

    @staticmethod
    def learnt(db: Connection, known: Sequence[Mapping[str, Any]], due: Sequence[tuple[str, Due]]) -> None:
        """From which version whose days follow, and which days these are; what was worked out before is gone."""
        keys = [one["key"] for one in known]
        db.execute(_DROP_DUE, {"keys": keys})
        db.execute(_DROP_REVIEW, {"keys": keys})
        db.execute(_KNOW, known)
        Book.add_due(db, due)

    @staticmethod
    def add_due(db: Connection, due: Sequence[tuple[str, Due]]) -> None:
        if due:
            columns = zip(*((one.duty, key, one.day, one.why) for key, one in due), strict=True)
            db.execute(_ADD_DUE, dict(zip(("duties", "keys", "days", "whys"), map(list, columns), strict=True)))

    @staticmethod
    def done(db: Connection, keys: Sequence[str], day: date, doubts: Sequence[tuple[str, Due]]) -> None:
        """Everything up to that day is said, or waits for a person's look."""
        db.execute(_DROP_SAID, {"keys": list(keys), "day": day})
        if doubts:
            db.execute(_REVIEW, [{"duty": o.duty, "key": key, "due": o.day, "why": o.why} for key, o in doubts])

    @staticmethod
    def said(db: Connection, events: Iterable[Event]) -> None:
        rows = [
            {
                "id": event.id,
                "duty": event.reason,
                "key": event.key,
                "due": event.effective.earliest,
                "version": event.version,
                "recorded": event.recorded,
                "supersedes": event.supersedes,
            }
            for event in events
        ]
        if rows:
            db.execute(_SAY, rows)
        if back := [row for row in rows if row["supersedes"] is not None]:
            db.execute(_TAKE_BACK, back)

    def _version(self, row: Any) -> Version:
        return Version(row.kind, row.reason, row.recorded, effective(row), self.shape.from_json(row.image))
