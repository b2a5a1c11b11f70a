"""What does a rule see? The granted fields of one record, by name, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

from bus.errors import Reject


class Record(tuple[Any, ...]):
    """Values by position underneath, fields by name on top: child.birth, child.address.town_code."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Reject(f"{name} is not granted: see reads in topology.yaml", code="RULE")


def record_type(positions: Mapping[str, int], name: str = "Record") -> Callable[[Sequence[Any]], Record]:
    """A class for records whose field `path` stands at positions[path] of the tuple it is made of."""
    members: dict[str, Any] = {"__slots__": ()}
    groups: dict[str, dict[str, int]] = {}
    for path, position in positions.items():
        head, _, rest = path.partition(".")
        if rest:
            groups.setdefault(head, {})[rest] = position
        else:
            members[head] = property(itemgetter(position))
    for head, inner in groups.items():
        members[head] = property(record_type(inner, head.title()))
    return type(name, (Record,), members)


def value_at(image: Mapping[str, Any], path: str) -> Any:
    """The value of a dotted path in a nested image; parts of a date too (birth.earliest); None below what is blank."""
    value: Any = image
    for part in path.split("."):
        if value is None:
            return None
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part)
    return value


def day_of(micros: int, _days: dict[int, date] = {}) -> date:  # noqa: B006  # a cache: the same few days come again and again
    """The calendar day in Japan (UTC+9, without summer time) of an instant in microseconds since 1970."""
    number = (micros + 32_400_000_000) // 86_400_000_000
    day = _days.get(number)
    if day is None:
        if len(_days) > 4096:
            _days.clear()
        try:
            day = _days[number] = date.fromordinal(719_163 + number)
        except (ValueError, OverflowError):
            raise Reject("recorded is not a day of the calendar", code="RANGE") from None
    return day
