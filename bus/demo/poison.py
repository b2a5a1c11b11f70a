"""What if somebody makes a mistake on a department's topic? One record that cannot be read, and some twice."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple
from uuid import UUID

from bus.broker import Broker, Message, Record
from bus.errors import Unavailable

FRAME: Final = 5  # magic byte and schema id
READING: Final = 500


class Tampered(NamedTuple):
    event_id: str  # of the record that cannot be read: all that is ever said of it
    topic: str
    doubled: int


def tamper(broker: Broker, topic: str, key: str, *, event_id: UUID, doubles: int = 3) -> Tampered:
    """Writes what a broken program would, with the rights of an administrator.

    Behind the framing of `key`'s own record only rubbish; and records of other persons a second time, as they stand.
    """
    mine, others = _found(broker, topic, key.encode(), doubles)
    rubbish = (mine.value or b"")[:FRAME] + b"\xff" * 24
    headers = dict(mine.headers) | {"ce_id": str(event_id).encode(), "bus-sha256": hashlib.sha256(rubbish).digest()}
    wrong = Message(topic, key.encode(), rubbish, [(name, value or b"") for name, value in headers.items()])
    again = [
        Message(topic, record.key or b"", record.value, [(name, value or b"") for name, value in record.headers])
        for record in others
    ]
    broker.publish([wrong, *again])
    return Tampered(str(event_id), topic, len(again))


def _found(broker: Broker, topic: str, key: bytes, doubles: int) -> tuple[Record, list[Record]]:
    """The last record of `key`, and the first of some others."""
    ends = broker.ends([topic])
    subscription = broker.subscribe("-", [topic], {})
    mine: Record | None = None
    others: list[Record] = []
    try:
        while any(subscription.position().get(place, 0) < end for place, end in ends.items()):
            for record in subscription.poll(READING, 1.0):
                if record.key == key:
                    mine = record
                elif len(others) < doubles:
                    others.append(record)
    finally:
        subscription.close()
    if mine is None:
        raise Unavailable("the person whose record is to be broken has none there yet", where=topic)
    return mine, others
