"""What does the law say on a given day? Ages and amounts are dated values, not code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from bus.errors import Reject
from bus.reading.lines import Lines


class Dated(NamedTuple):
    """A value in force from one day until another, both included; None: until further notice."""

    since: date
    until: date | None
    value: Any
    source: str

    def holds(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)


class Law:
    """All dated parameters; `on(day)` is what rules get as `law`, so that they can say law.school.entry_age."""

    def __init__(self, parameters: Mapping[str, tuple[Dated, ...]]) -> None:
        self.parameters = dict(parameters)
        self._days: dict[date, InForce] = {}

    def on(self, day: date) -> InForce:
        found = self._days.get(day)
        if found is None:
            if len(self._days) > 4096:  # events of a lifetime of days; the cache is only for speed
                self._days.clear()
            found = self._days[day] = InForce(self.parameters, day)
        return found


class InForce:
    """The parameters on one day, or those of one subject of law."""

    def __init__(self, parameters: Mapping[str, tuple[Dated, ...]], day: date, path: str = "") -> None:
        self._parameters = parameters
        self._day = day
        self._path = path

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}.{name}" if self._path else name
        if path in self._parameters:
            found: Any = self._value(path)
        elif any(known.startswith(path + ".") for known in self._parameters):
            found = InForce(self._parameters, self._day, path)
        elif name.startswith("__"):
            raise AttributeError(name)
        else:
            raise Reject(f"law.{path} is not a parameter: see connectors/law.yaml", code="LAW")
        self.__dict__[name] = found  # the next look costs nothing
        return found

    def _value(self, path: str) -> Any:
        for dated in self._parameters[path]:
            if dated.holds(self._day):
                return dated.value
        raise Reject(f"law.{path} has no value on {self._day}: see connectors/law.yaml", code="LAW")


def load(path: Path) -> Law:
    """connectors/law.yaml: subject of law -> parameter -> a list of {from, until, value, source}."""
    return _load(path, path.stat().st_mtime_ns if path.exists() else 0)


@cache
def _load(path: Path, _: int) -> Law:
    """Read once per state of the file: every connector of a fleet asks for it."""
    lines = Lines(path)
    parameters: dict[str, tuple[Dated, ...]] = {}
    if not lines.mistakes:
        _collect(lines, lines.content, lines.content, None, "", parameters)
    lines.check()
    return Law(parameters)


def _collect(lines: Lines, node: Any, holder: Any, key: Any, path: str, into: dict[str, tuple[Dated, ...]]) -> None:
    if isinstance(node, list):
        into[path] = _dated(lines, node, path)
        return
    for name, child in lines.mapping(node, holder, key).items():
        _collect(lines, child, node, name, f"{path}.{name}" if path else str(name), into)


def _dated(lines: Lines, values: Any, path: str) -> tuple[Dated, ...]:
    found: list[Dated] = []
    for index, entry in enumerate(values):
        given = lines.mapping(entry, values, index, ("from", "until", "value", "source"))
        since, until = given.get("from"), given.get("until")
        if type(since) is not date or not (until is None or type(until) is date):
            lines.mistake(values, index, f"{path} needs from (and may have until), as days: 2024-10-01")
        elif "value" not in given or not given.get("source"):
            lines.mistake(values, index, f"{path} needs a value and its source in law")
        elif any(not ((other.until and other.until < since) or (until and until < other.since)) for other in found):
            lines.mistake(values, index, f"{path} has two values on one day")
        else:
            found.append(Dated(since, until, given["value"], str(given["source"])))
    return tuple(found)
