"""How old is the truth in a department? Told by what its database has not got, so it grows while nobody works."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from bus.broker import Broker, Offsets, Record
from bus.store import Owner

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Unread(NamedTuple):
    """What a reader that stands at some offsets has before it."""

    records: int
    oldest: datetime | None  # recorded, of the first unread record of each partition; None: nothing unread


def unread(broker: Broker, group: str, topics: Sequence[str], start: Offsets, patience: float = 5.0) -> Unread:
    """Looks at the next record of each partition. Raises Refused when it is gone, Unavailable when nothing answers."""
    ends = broker.ends(topics)
    behind = {at: start.get(at, 0) for at, end in ends.items() if start.get(at, 0) < end}
    if not behind:
        return Unread(0, None)
    moments: dict[tuple[str, int], datetime] = {}
    subscription = broker.subscribe(group, topics, dict(ends) | behind)
    try:
        deadline = time.monotonic() + patience
        while behind.keys() - moments.keys() and time.monotonic() < deadline:
            for record in subscription.poll(500, 0.2):
                moments.setdefault((record.topic, record.partition), _moment(record))
    finally:
        subscription.close()
    return Unread(sum(ends[at] - here for at, here in behind.items()), min(moments.values(), default=None))


def age(now: datetime, oldest: Iterable[datetime | None]) -> float:
    """Seconds; 0 when nothing waits anywhere."""
    waiting = [moment for moment in oldest if moment is not None]
    return max(0.0, (now - min(waiting)).total_seconds()) if waiting else 0.0


def state(owner: Owner | None, lease: float, behind: bool | None) -> str:
    """running, stopped, stalled, paused, bootstrap_required or unknown."""
    if owner is None:
        return "stopped"
    if owner.stopped == "BOOTSTRAP_REQUIRED":
        return "bootstrap_required"
    if owner.age >= lease:
        return "stopped"
    if owner.paused:
        return "paused"
    return "running" if behind is not None else "unknown"


def _moment(record: Record) -> datetime:
    """When the register recorded it: the header says so without decoding; failing that, when the broker took it."""
    for name, value in record.headers:
        if name == "ce_time" and value:
            try:
                return datetime.fromisoformat(value.decode("ascii"))
            except ValueError:
                break
    return EPOCH + timedelta(milliseconds=record.timestamp)
