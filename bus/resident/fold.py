"""What was so on a day, as the register knew it at an instant? One person, both time axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from bus.dates import JAPAN, Uncertain
from bus.event import Event
from bus.resident.codes import bare

Image = dict[str, Any]


def standing(
    events: Sequence[Event], as_of: date | None = None, known: datetime | None = None
) -> tuple[Event, Image] | None:
    """The version that says what was so on `as_of`, as recorded up to `known`, and the image; None: nobody yet.

    Without a day: the last word. With one: every event that stands and had begun, in the order of what happened,
    each with what it changed. An annulled event never was; a correction speaks from the day of the event it is about.
    """
    instant = known.replace(tzinfo=JAPAN) if known is not None and known.tzinfo is None else known
    heard = [event for event in events if instant is None or event.recorded <= instant]
    if as_of is None:
        return (heard[-1], dict(heard[-1].data)) if heard else None
    annulled = {event.supersedes for event in heard if event.kind == "ANNUL"}
    told = [event for event in heard if event.kind != "ANNUL" and event.id not in annulled and _begun(event, as_of)]
    told.sort(key=lambda event: (event.effective.earliest or date.min, event.version))
    if not told:
        return None
    flat: dict[tuple[str, ...], Any] = {}
    for event in told:
        before = dict(_leaves(event.before or {}))
        flat.update(
            {path: value for path, value in _leaves(event.data) if before.get(path) != value or path not in flat}
        )
    return told[-1], _nested(flat)


def _begun(event: Event, as_of: date) -> bool:
    return event.effective.earliest is None or event.effective.earliest <= as_of


def _leaves(image: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in image.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _nested(flat: Mapping[tuple[str, ...], Any]) -> Image:
    image: Image = {}
    for path, value in flat.items():
        inner = image
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
    return image


STATES = {"2": "moved_out", "3": "deceased", "9": "removed"}  # 住民状態


def status(image: Mapping[str, Any] | None) -> str:
    """resident, moved_out, deceased, removed, merged (another record speaks for this person) or unknown (nobody)."""
    if image is None:
        return "unknown"
    if (image.get("identity") or {}).get("merged_into"):
        return "merged"
    if image.get("is_resident"):
        return "resident"
    return STATES.get(bare(image.get("state")), "removed")


def story(events: Sequence[Event], as_of: date | None = None, known: datetime | None = None) -> dict[str, Any]:
    """JSON of a person's history, and of what stood."""
    stands = standing(events, as_of, known)
    return {
        "key": events[0].key,
        "as_of": as_of,
        "known": known,
        "standing": stands and stands[0].version,
        "versions": [_version(event) for event in events],
        "image": stands and _plain(stands[1]),
    }


def _version(event: Event) -> dict[str, Any]:
    return {
        "version": event.version,
        "id": event.id,
        "kind": event.kind,
        "reason": event.reason,
        "effective": event.effective.as_json(),
        "recorded": event.recorded,
        "supersedes": event.supersedes,
        "change_set": event.change_set and event.change_set._asdict(),
        "protected": event.protected,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Uncertain):
        return value.as_json()
    return {name: _plain(inner) for name, inner in value.items()} if isinstance(value, Mapping) else value
