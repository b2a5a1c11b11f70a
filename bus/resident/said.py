"""What has the calendar said of a person, among what the register said? As it was published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any

from bus.dates import Uncertain
from bus.event import Event


def by_person(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.key, []).append(row)
    return found


def with_days(history: Sequence[Event], rows: Sequence[Any]) -> list[Event]:
    """A person's versions, each followed by the days that were said while it was the present one."""
    said: dict[int, list[Any]] = {}
    for row in rows:
        said.setdefault(row.version, []).append(row)
    return [
        event
        for version in history
        for event in (version, *(_day(version, row) for row in said.get(version.version, ())))
    ]


def _day(version: Event, row: Any) -> Event:
    return Event(
        id=str(row.event_id),
        kind="CLOCK",
        reason=row.duty,
        key=row.key,
        version=row.version,
        effective=Uncertain.on(row.due),
        recorded=row.recorded.astimezone(UTC),
        data=version.data,
        supersedes=str(row.supersedes) if row.supersedes else None,
        protected=version.protected,
        before=version.data,
        before_recorded=version.recorded,
    )
