"""How does an event stand in a row of a history, the register's or a department's own?"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from bus.dates import Uncertain
from bus.event import Event


def stamped(event: Event) -> dict[str, Any]:
    """The columns of a row that say what happened; who keeps it adds what is so since."""
    return {
        "key": event.key,
        "version": event.version,
        "event_id": event.id,
        "kind": event.kind,
        "reason": event.reason,
        "effective_text": event.effective.text,
        "effective_earliest": event.effective.earliest,
        "effective_latest": event.effective.latest,
        "recorded": event.recorded,
        "supersedes": event.supersedes,
        "undoes": list(event.undoes),
    }


def effective(row: Any) -> Uncertain:
    return Uncertain(row.effective_text, row.effective_earliest, row.effective_latest)


def event(row: Any, earlier: Event | None, **now: Any) -> Event:
    """The event of a row, after the one before it. `now`: what its keeper knows beside: data, protected, change_set."""
    return Event(
        id=str(row.event_id),
        kind=row.kind,
        reason=row.reason,
        key=row.key,
        version=row.version,
        effective=effective(row),
        recorded=row.recorded.astimezone(UTC),
        supersedes=str(row.supersedes) if row.supersedes else None,
        before=earlier.data if earlier else None,
        before_recorded=earlier.recorded if earlier else None,
        undoes=tuple(row.undoes),
        **now,
    )
