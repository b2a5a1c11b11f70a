"""Port: how records reach other processes, in order per key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

Offsets = Mapping[tuple[str, int], int]  # (topic, partition) -> the next offset to read


class Record(NamedTuple):
    """A record as it was read. Nothing in it has been judged yet: key, value and headers may be anything."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    timestamp: int = 0  # milliseconds since 1970, by the broker's clock


class Message(NamedTuple):
    """A record to be written. The partition follows from the key (murmur2) unless it is given."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int = -1


class Broker(Protocol):
    def publish(self, messages: Sequence[Message]) -> None:
        """Returns when every message is acknowledged by all in-sync replicas, in order per key.

        Raises Unavailable when that is not known of every one (the same messages are to be sent again, from the
        first), and Reject, with `.index` of the message, when the broker will never take it (size). One publisher per
        instance.
        """

    def subscribe(self, group: str, topics: Sequence[str], start: Offsets) -> Subscription:
        """Reads all partitions of `topics` from `start`; a partition that is missing there begins at its first record.

        Positions that no longer exist raise Refused (code OFFSET_GONE): data are never skipped silently.
        """

    def ends(self, topics: Sequence[str]) -> Offsets:
        """The next offset to be written in each partition."""

    def close(self) -> None: ...


class Subscription(Protocol):
    """Used by one thread."""

    def poll(self, limit: int, wait: float) -> Sequence[Record]:
        """At most `limit` records, in order per partition; waits up to `wait` seconds for the first.

        Raises Unavailable.
        """

    def position(self) -> Offsets:
        """The next offset to be polled, for every partition."""

    def seek(self, offsets: Offsets) -> None:
        """Poll goes on from here."""

    def commit(self, offsets: Offsets) -> None:
        """A courtesy to dashboards; the truth is in the store. Never raises Unavailable."""

    def close(self) -> None: ...
