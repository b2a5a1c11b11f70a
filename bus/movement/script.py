"""What does a file of movements say, and what became of each line?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bus.errors import Reject
from bus.event import Event

_LONGEST: Final = 1_000_000  # characters of one line
_DEEPEST: Final = 32


class Register(Protocol):
    def enter(self, request: Mapping[str, Any]) -> list[Event]: ...


@dataclass(slots=True)
class Played:
    events: list[Event] = field(default_factory=list)
    refused: list[tuple[int, Reject]] = field(default_factory=list)
    entered: int = 0  # lines, that is acts

    def as_dict(self) -> dict[str, Any]:
        """One refused line does not keep the others out; `error` is the first of them."""
        names = ("id", "key", "version", "reason")
        document: dict[str, Any] = {
            "entered": self.entered,
            "events": [{name: getattr(event, name) for name in names} for event in self.events],
            "refused": [{"line": line, **error.as_dict()["error"]} for line, error in self.refused],
        }
        return document | (self.refused[0][1].as_dict() if self.refused else {})


def play(
    register: Register, lines: Iterable[str], *, rate: float | None = None, say: Callable[[int], None] = lambda _: None
) -> Played:
    """Each line in a transaction of its own; at most `rate` a second."""
    played, began = Played(), time.monotonic()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if rate:
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
        try:
            played.events += register.enter(parse(line))
            played.entered += 1
        except Reject as error:
            error.where = f"line {number}" + (f", {error.where}" if error.where else "")
            played.refused.append((number, error))
        say(number)
    return played


def parse(line: str) -> dict[str, Any]:
    """Strict JSON: no duplicate names, no NaN, no depth or length without bounds. Raises Reject."""
    if len(line) > _LONGEST:
        raise Reject(f"the line is longer than {_LONGEST} characters", code="JSON")
    depth = deepest = 0
    for letter in line:  # an upper bound: brackets in texts count as well
        depth += (letter in "[{") - (letter in "]}")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise Reject("nested too deep", code="JSON")
    try:
        document = json.loads(line, object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise Reject("not JSON", code="JSON") from None
    if not isinstance(document, dict):
        raise Reject("a line is one JSON object", code="JSON")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Reject("a name stands twice in one object", code="JSON")
    return found


def _constant(_: str) -> Any:
    raise Reject("NaN and Infinity are not JSON", code="JSON")
