"""What did a file say of a person? Events as a canonical topic has them: JSON lines, or an Avro container file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import fastavro

from bus.dates import Uncertain
from bus.errors import Reject
from bus.event import KINDS, Event

_DATE: Final = {"text", "earliest", "latest"}


def told(file: Path) -> list[Event]:
    """In the order of their versions. Raises Reject naming the line; a line is {id, kind, reason, key, version,
    effective, recorded, after} and may have supersedes, before and before_recorded."""
    events = []
    for number, record in enumerate(_records(file), 1):
        try:
            events.append(_event(record))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"not an event: {type(error).__name__}"
            raise Reject(what, code="EVENT", where=f"{file.name}, record {number}") from None
    return sorted(events, key=lambda event: event.version)


def _records(file: Path) -> Iterator[Mapping[str, Any]]:
    if file.suffix == ".avro":
        with file.open("rb") as source:
            yield from fastavro.reader(source)  # type: ignore[misc]  # records of a canonical schema are mappings
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def _event(record: Mapping[str, Any]) -> Event:
    if record["kind"] not in KINDS:
        raise ValueError
    before = record.get("before")
    return Event(
        id=str(record["id"]),
        kind=record["kind"],
        reason=str(record["reason"]),
        key=str(record["key"]),
        version=int(record["version"]),
        effective=Uncertain.from_json(record["effective"]),
        recorded=_instant(record["recorded"]),
        data=_image(record["after"]),
        supersedes=record.get("supersedes"),
        before=None if before is None else _image(before),
        before_recorded=_instant(record["before_recorded"]) if record.get("before_recorded") else None,
    )


def _image(image: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in image.items()}


def _value(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return Uncertain.from_json(value) if value.keys() == _DATE else _image(value)


def _instant(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)
