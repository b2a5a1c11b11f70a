"""What is a resident's image made of? Flat inside the register (path -> value), nested in events and in the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bus.codec.text import fault
from bus.dates import Uncertain
from bus.errors import Reject
from bus.event import Event
from bus.resident.numbers import holds_kojin_bango

Flat = dict[str, Any]
Changes = list[tuple[Event, Flat]]  # an event, and its image as the register keeps it

# Says how a version came about, not what is so: written by every version, never undone, never a reason to tell anybody.
BOOKKEEPING: Final = ("history.", "movement.", "unknown.movement", "control.operat")

# date -> the flag that says it is not known, whatever stands in the cell
UNKNOWN_FLAGS: Final = {
    "movement.date": "unknown.movement",
    "birth": "unknown.birth",
    "resident_since": "unknown.resident_since",
    "entry.date": "unknown.entry",
    "removal.date": "unknown.removal",
    "address.since": "unknown.address_since",
    "history.reissued_on": "unknown.reissued",
    "foreign.since": "unknown.foreign_since",
}


class Shape:
    """The paths of one image schema, and what each holds: `text`, `date` or `flag`."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.kinds: dict[str, str] = {}
        self._walk(schema, "")
        self.dates = tuple(path for path, kind in self.kinds.items() if kind == "date")
        self._groups: dict[str, list[tuple[str, str]] | None] = {}
        for path in self.kinds:
            name, _, leaf = path.partition(".")
            inner = self._groups.setdefault(name, [] if leaf else None)
            if inner is not None:
                inner.append((leaf, path))

    def _walk(self, record: Mapping[str, Any], prefix: str) -> None:
        for field in record["fields"]:
            path, kind = prefix + field["name"], field["type"]
            if isinstance(kind, list):
                kind = next(branch for branch in kind if branch != "null")
            if isinstance(kind, dict) and kind.get("name", "").rsplit(".", 1)[-1] != "Uncertain":
                self._walk(kind, f"{path}.")
            else:
                self.kinds[path] = {"string": "text", "boolean": "flag"}.get(
                    kind if isinstance(kind, str) else "", "date"
                )

    def blank(self) -> Flat:
        return {path: False if kind == "flag" else None for path, kind in self.kinds.items()}

    def nested(self, flat: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: flat[name] if inner is None else {leaf: flat[path] for leaf, path in inner}
            for name, inner in self._groups.items()
        }

    def as_json(self, flat: Mapping[str, Any]) -> dict[str, Any]:
        written = dict(flat)
        for path in self.dates:
            if (value := written[path]) is not None:
                written[path] = value.as_json()
        return self.nested(written)

    def from_json(self, image: Mapping[str, Any]) -> Flat:
        """What an older version of the schema did not have is blank."""
        flat = self.blank()
        for name, inner in self._groups.items():
            value = image.get(name)
            if inner is None:
                flat[name] = value
            elif value is not None:
                flat.update({path: value.get(leaf) for leaf, path in inner})
        for path in self.dates:
            if flat[path] is not None:
                flat[path] = Uncertain.from_json(flat[path])
        return flat

    def value(self, path: str, given: Any) -> Any:
        """A value as a request has it, as the image holds it. Text stays byte for byte; a blank is None."""
        kind = self.kinds.get(path)
        if kind is None:
            raise Reject("no such field in the image of a resident", code="UNKNOWN_FIELD")
        if given is None or given == "":
            return None
        if kind == "date":
            return uncertain(given, path)
        if kind != "text" or not isinstance(given, str):
            raise Reject(f"the field holds a {kind}", code="FIELD_TYPE", where=path)
        return text(given, path)


def uncertain(given: Any, where: str) -> Uncertain:
    try:
        read = Uncertain.from_json(given)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Reject("a date is a text, or {text, earliest, latest}", code="FIELD_TYPE", where=where) from None
    is_text = isinstance(given if isinstance(given, str) else given.get("text"), str)
    if not is_text or (read.earliest and read.latest and read.earliest > read.latest):
        raise Reject("a date is a text, or {text, earliest, latest}", code="FIELD_TYPE", where=where)
    return read._replace(text=text(read.text, where))


def text(given: str, where: str) -> str:
    if holds_kojin_bango(given):
        raise Reject("the text holds what can be a 個人番号; it has no place here", code="KOJIN_BANGO", where=where)
    if wrong := fault(given):
        raise Reject("the text holds a character that no text may hold", code=wrong, where=where)
    return given


def changed(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths in which two images differ; of the first image: all that is said."""
    return tuple(
        path
        for path, value in after.items()
        if (before.get(path) if before else None) != value
        and not path.startswith(BOOKKEEPING)
        and (before is not None or value not in (None, False))
    )
