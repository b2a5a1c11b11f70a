"""May this record be applied now? The pure judge that every store asks inside its transaction.

A person's versions are gap-free, so the last applied position says all: older is a duplicate, next is fresh, further is
a gap. A person of whom something is parked waits, in order; everybody else goes on.

A record whose own key cannot be believed (it names another town, topic or person, or is no key at all) is parked under
its raw bytes in hexadecimal, which is nobody's number: a stray record holds nobody up. If it was in truth a person's
missing version, the next one of that person shows the gap. Any other bad record parks the person its Kafka key names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from hashlib import sha256
from typing import Final

from bus.broker import Record
from bus.change import Append, Keep, Row
from bus.errors import Reject
from bus.event import REMOVED, RESIDENT
from bus.store import Again, Applied, Delivery, Parked, Seen

HIGHEST: Final = 10**9  # a version beyond is no version
FURTHEST: Final = 1_000_000  # nor is one that far ahead
SAME_VERSION: Final = ("RESYNC", "CLOCK")  # kinds that say a known version again, later
WAITS: Final = ("GAP", "BEHIND")  # parked through no fault of their own: released by themselves
DISTRUSTED: Final = ("KEY", "MISROUTED")
_PLAIN_KEY = re.compile(r"[\x21-\x39\x3b-\x7e]{1,64}")  # printable ASCII, without the colon of a raw key
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Verdict(Enum):
    FRESH = auto()
    STALE = auto()


def judge(delivery: Delivery, seen: Seen | None, waiting: Sequence[Parked] = ()) -> Verdict | Reject:
    """Fresh, stale, or why it must be parked."""
    if not delivery.version and delivery.reject:
        return delivery.reject
    if not 1 <= delivery.version <= HIGHEST or (seen and delivery.version - seen.version > FURTHEST):
        return _reject(delivery, "RANGE", "the version is out of range")
    verdict = _before(delivery, seen) if seen else None
    verdict = verdict or _waits_already(delivery, waiting)
    if verdict:
        return verdict
    if waiting and not all(other.version > delivery.version for other in waiting):
        return delivery.reject or _reject(delivery, "BEHIND", "an earlier record of the same person is parked")
    if delivery.reject:
        return delivery.reject
    if seen and not seen.gone and delivery.version - seen.version > 1:
        return _reject(delivery, "GAP", f"version {delivery.version} came after {seen.version}")
    return Verdict.FRESH


def _before(delivery: Delivery, seen: Seen) -> Verdict | Reject | None:
    """Is it at or before what was applied?"""
    position, applied = (delivery.version, delivery.recorded), (seen.version, seen.recorded)
    if position == applied:
        return _same_or_forged(delivery, seen.digest)
    if delivery.id == seen.id:
        return _reject(delivery, "ID_REUSE", "the event id was used for another version")
    if position < applied:
        return Verdict.STALE
    if delivery.version == seen.version and delivery.kind not in SAME_VERSION and delivery.mode != REMOVED:
        return _reject(delivery, "ID_REUSE", "the version was used by another event")
    return None


def _waits_already(delivery: Delivery, waiting: Sequence[Parked]) -> Verdict | Reject | None:
    for other in waiting:
        if delivery.id and other.event_id == delivery.id:
            return _same_or_forged(delivery, digest(other.record))
    return None


def _same_or_forged(delivery: Delivery, known: bytes) -> Verdict | Reject:
    """The same bytes again, or the same event by another version of the schema: drop. Else somebody forges."""
    if delivery.digest == known or delivery.digest[:4] != known[:4]:
        return Verdict.STALE
    return _reject(delivery, "ID_REUSE", "a used event id or version, with other content")


def _reject(delivery: Delivery, code: str, message: str) -> Reject:
    return Reject(message, code=code, where=delivery.place)


def digest(record: Record) -> bytes:
    """Schema id and SHA-256 of the value."""
    value = record.value or b""
    return value[1:5].ljust(4, b"\0") + sha256(value).digest()


def is_plain(key: str) -> bool:
    """Can it be anybody's key?"""
    return _PLAIN_KEY.fullmatch(key) is not None


def name_of(entity: str, key: str) -> str:
    """How positions and parked records are told apart: a resident by the key, a fact with its entity before it."""
    return key if entity == RESIDENT else f"{entity}:{key}"


def parking_key(record: Record, reject: Reject, entity: str = RESIDENT) -> str:
    """Whom a record that cannot be decoded holds up (see the module's docstring)."""
    raw = record.key or b""
    if reject.code not in DISTRUSTED:
        text = raw.decode("ascii", "replace")
        if is_plain(text):
            return name_of(entity, text)
    return f"raw:{raw[:64].hex()}"


@dataclass(slots=True)
class Outcome:
    """What a store has to write, in one transaction."""

    seen: dict[str, Seen]  # positions as they were, then as they are
    waiting: dict[str, list[Parked]]
    keeps: dict[str, dict[str, Sequence[Row]]] = field(
        default_factory=dict
    )  # table -> key -> rows; the last one counts
    appends: dict[str, list[Append]] = field(default_factory=dict)  # table -> all of them, in order
    moved: dict[str, Delivery] = field(default_factory=dict)  # key -> the first that was applied now
    parked: dict[tuple[str, int], Parked] = field(default_factory=dict)
    freed: list[tuple[str, int]] = field(default_factory=list)
    reviews: list[tuple[str, str, str]] = field(default_factory=list)  # key, event id, why
    applied: Applied = field(default_factory=Applied)

    def take(self, delivery: Delivery) -> None:
        key = delivery.key
        if key not in self.moved:
            self.moved[key] = delivery
        self.seen[key] = Seen(
            delivery.version, delivery.recorded, delivery.id, delivery.digest, delivery.mode == REMOVED
        )
        for change in delivery.changes:
            if isinstance(change, Keep):
                self.keeps.setdefault(change.table, {})[change.key] = change.rows
            else:
                self.appends.setdefault(change.table, []).append(change)
        for why in delivery.reviews:
            self.reviews.append((key, delivery.id, why))
            self.applied.reviewed += 1

    def park(self, delivery: Delivery, reason: Reject) -> None:
        queue = self.waiting.setdefault(delivery.key, [])
        seq = queue[-1].seq + 1 if queue else 1
        entry = Parked(
            delivery.key, seq, reason.code, delivery.place, delivery.id, delivery.version, _EPOCH, delivery.record
        )
        queue.append(entry)
        self.parked[delivery.key, seq] = entry
        self.applied.parked += 1
        if reason.code != "BEHIND":
            self.applied.culprits.append((delivery.id or delivery.place, reason))
            self.applied.streak.add(delivery.key)

    def free(self, entry: Parked) -> None:
        self.waiting[entry.key].remove(entry)
        if not self.parked.pop((entry.key, entry.seq), None):
            self.freed.append((entry.key, entry.seq))

    def release(self, key: str, again: Again) -> None:
        """Applies what waited for the gap before it, as far as there is no further one."""
        for entry in in_line(self.waiting[key]):
            if entry.code not in WAITS or not self.retry(entry, again):
                return

    def retry(self, entry: Parked, again: Again) -> bool:
        """Has the parked record left? If not, it stays with the reason of today."""
        delivery = again(entry.record)
        verdict = judge(delivery, self.seen.get(entry.key))
        if isinstance(verdict, Reject) or delivery.key != entry.key:
            return False
        if verdict is Verdict.FRESH:
            self.take(delivery)
            self.applied.released += 1
        else:
            self.applied.stale += 1
        self.free(entry)
        return True


def in_line(waiting: Iterable[Parked]) -> list[Parked]:
    """By version where every one is known, else as they came."""
    entries = sorted(waiting, key=lambda entry: entry.seq)
    return sorted(entries, key=lambda entry: entry.version) if all(entry.version for entry in entries) else entries


def settle(
    deliveries: Iterable[Delivery],
    seen: Mapping[str, Seen],
    waiting: Mapping[str, Sequence[Parked]],
    again: Again | None = None,
) -> Outcome:
    """The effect of deliveries, in order, on what is known of their persons."""
    outcome = Outcome(dict(seen), {key: sorted(queue, key=lambda entry: entry.seq) for key, queue in waiting.items()})
    for delivery in deliveries:
        verdict = judge(delivery, outcome.seen.get(delivery.key), outcome.waiting.get(delivery.key, ()))
        if isinstance(verdict, Reject):
            outcome.park(delivery, verdict)
        elif verdict is Verdict.STALE:
            outcome.applied.stale += 1
        else:
            outcome.take(delivery)
            outcome.applied.fresh += 1
            outcome.applied.streak.clear()
            if again and outcome.waiting.get(delivery.key):
                outcome.release(delivery.key, again)
    return outcome


def hopeful(deliveries: Sequence[Delivery], held: Iterable[str]) -> Outcome | None:
    """The outcome if every delivery is the next of its person, for stores that check just that while they write.

    None: something in the batch needs a closer look. `Outcome.moved` holds what is still to be checked: a person's
    first one here must follow the applied one, unless nothing was applied or a removal.
    """
    outcome, held = Outcome({}, {}), frozenset(held)
    last = outcome.seen
    for delivery in deliveries:
        previous = last.get(delivery.key)
        if previous:
            usual = delivery.version == previous.version + 1 and delivery.id != previous.id
        else:
            usual = 1 <= delivery.version <= HIGHEST and delivery.key not in held
        if not usual or delivery.reject:
            return None
        outcome.take(delivery)
    outcome.applied.fresh = len(deliveries)
    return outcome
