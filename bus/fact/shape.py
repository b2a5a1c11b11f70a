"""What is a fact's image made of? Flat where it is decided (path -> value), nested in events and in the history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bus.dates import Uncertain
from bus.errors import Misconfigured, Reject
from bus.resident.image import text, uncertain

Flat = dict[str, Any]
_PROTECTED: Final = "protection.level"
ACTIVE: Final = "active"  # does the fact stand? Every image has it, and only reasons set it
_LONG: Final = 2**63
_BRANCHES: Final = {"string": "text", "long": "long", "int": "long", "boolean": "flag"}


class FactShape:
    """The paths of one image schema, and what each holds: `text`, `long`, `flag` or `date`."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.name = str(schema["name"])
        self.kinds = dict(_leaves(schema, ""))
        if self.kinds.get(ACTIVE) != "flag":
            raise Misconfigured(f"the image {self.name} has no boolean {ACTIVE}", code="NOT_A_FACT")

    def blank(self) -> Flat:
        return {path: False if kind == "flag" else None for path, kind in self.kinds.items()}

    def value(self, path: str, given: Any) -> Any:
        """A value as a caller has it, as the image holds it. Text stays byte for byte; a blank is None."""
        kind = self.kinds.get(path)
        if kind is None:
            raise Reject(f"no such field in the image {self.name}", code="FIELD")
        if kind == "flag" and isinstance(given, bool):
            return given
        if kind != "flag" and given in (None, ""):
            return None
        if kind == "text" and isinstance(given, str):
            return text(given, path)
        if kind == "long" and type(given) is int and -_LONG <= given < _LONG:
            return given
        if kind == "date" and not isinstance(given, bool | int):
            return given if isinstance(given, Uncertain) else uncertain(given, path)
        raise Reject(f"the field holds a {kind}", code="FIELD_TYPE", where=path)

    def nested(self, flat: Mapping[str, Any]) -> dict[str, Any]:
        return nest({path: flat[path] for path in self.kinds})

    def flat(self, image: Mapping[str, Any]) -> Flat:
        """Of a nested image; what an older version of the schema did not have is blank."""
        found = self.blank()
        for path in self.kinds:
            value: Any = image
            for name in path.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
            if value is not None:
                found[path] = value
        return found

    def as_json(self, flat: Mapping[str, Any]) -> dict[str, Any]:
        return self.nested({path: _plain(flat[path]) for path in self.kinds})

    def from_json(self, image: Mapping[str, Any]) -> Flat:
        return {
            path: Uncertain.from_json(value) if self.kinds[path] == "date" and value is not None else value
            for path, value in self.flat(image).items()
        }

    def said_as_json(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Some paths only, flat."""
        return {path: _plain(value) for path, value in said.items()}

    def said_from_json(self, said: Mapping[str, Any]) -> Flat:
        return {
            path: Uncertain.from_json(value) if self.kinds[path] == "date" and value is not None else value
            for path, value in said.items()
            if path in self.kinds
        }


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted paths as an image nests them."""
    image: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        inner = image
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[leaf] = value
    return image


def is_protected(flat: Mapping[str, Any]) -> bool:
    """支援措置: does the fact say so of its person?"""
    return flat.get(_PROTECTED) is not None


def _plain(value: Any) -> Any:
    return value.as_json() if isinstance(value, Uncertain) else value


def _leaves(record: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for field in record["fields"]:
        path, kind = prefix + field["name"], field["type"]
        if isinstance(kind, list):
            kind = next(branch for branch in kind if branch != "null")
        if isinstance(kind, str) and kind in _BRANCHES:
            yield path, _BRANCHES[kind]
        elif _is_uncertain(kind):
            yield path, "date"
        elif isinstance(kind, dict) and kind.get("type") == "record":
            yield from _leaves(kind, f"{path}.")
        else:
            raise Misconfigured(f"{path} is no text, number, flag or date", code="NOT_A_FACT")


def _is_uncertain(kind: Any) -> bool:
    name = kind.get("name", "") if isinstance(kind, dict) else kind
    return str(name).rsplit(".", 1)[-1] == "Uncertain"
