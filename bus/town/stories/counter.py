"""When is the counter open, and how busy is it? Weights of months, days and hours (domain 6.4)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from random import Random
from typing import Final

JAPAN: Final = timezone(timedelta(hours=9))
# Moves of a year by month, %; those of other acts are even.
MOVES: Final = (6.3, 6.9, 18.3, 13.6, 7.2, 6.9, 7.2, 7.2, 7.1, 6.9, 5.9, 6.5)
EVEN: Final = tuple(100 / 12 for _ in range(12))
HOURS: Final = {9: 8, 10: 14, 11: 16, 12: 12, 13: 14, 14: 14, 15: 12, 16: 7, 17: 3}  # %
_WEEKDAYS: Final = (1.35, 0.95, 0.9, 0.9, 1.0)  # from Monday; an estimate
_CLOSED: Final = {(1, 2), (1, 3), (12, 29), (12, 30), (12, 31)}  # no holidays, so nothing moves to the next day
_HOLIDAYS: Final = {(1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23)}
_MONDAYS: Final = {(1, 2), (7, 3), (9, 3), (10, 2)}  # month, and which Monday of it


def is_open(day: date) -> bool:
    return day.weekday() < 5 and (day.month, day.day) not in _CLOSED and not _is_holiday(day) and not _substitutes(day)


@lru_cache
def _is_holiday(day: date) -> bool:
    if day.weekday() == 0 and (day.month, (day.day + 6) // 7) in _MONDAYS:
        return True
    return (day.month, day.day) in _HOLIDAYS or day in _equinoxes(day.year)


def _equinoxes(year: int) -> tuple[date, date]:
    """Good from 1980 to 2099."""
    years = year - 1980
    drift = 0.242194 * years - years // 4
    return date(year, 3, int(20.8431 + drift)), date(year, 9, int(23.2488 + drift))


def _substitutes(day: date) -> bool:
    """The next day that is none itself, where a holiday falls on a Sunday."""
    earlier = day - timedelta(days=1)
    while _is_holiday(earlier):
        if earlier.weekday() == 6:
            return True
        earlier -= timedelta(days=1)
    return False


def open_days(first: date, days: int) -> list[date]:
    """Of a stretch without a single one, all: somebody is always on duty."""
    stretch = [first + timedelta(days=n) for n in range(days)]
    return [day for day in stretch if is_open(day)] or stretch


def weight(day: date, *, moving: bool) -> float:
    """How much of a year falls on this open day."""
    year = MOVES if moving else EVEN
    return year[day.month - 1] / 100 * _rush(day, moving=moving) / _month(day.year, day.month, moving=moving)


@lru_cache
def _month(year: int, month: int, *, moving: bool) -> float:
    days = (date(year, month, n) for n in range(1, monthrange(year, month)[1] + 1))
    return sum(_rush(day, moving=moving) for day in days if is_open(day))


def _rush(day: date, *, moving: bool) -> float:
    """Mondays and days after holidays; for moves, the end of March and the first days of April, four times as many."""
    busy = _WEEKDAYS[0] if not is_open(day - timedelta(days=1)) else _WEEKDAYS[min(day.weekday(), 4)]
    if not moving:
        return busy
    if day.month == 3:
        return busy * (1.0 if day.day < 20 else 2.0 if day.day < 29 else 3.5)
    return busy * (4.5 if day.day <= 2 else 2.0 if day.day <= 8 else 1.0) if day.month == 4 else busy


def draw_day(chance: Random, days: Sequence[date], *, moving: bool = False) -> int:
    """Which of these days, by their weights."""
    weights = [weight(day, moving=moving) if is_open(day) else 1.0 for day in days]
    return chance.choices(range(len(days)), weights=weights)[0]


def draw_hour(chance: Random, day: date) -> datetime:
    (hour,) = chance.choices(list(HOURS), weights=list(HOURS.values()))
    return datetime(day.year, day.month, day.day, hour, chance.randrange(60), chance.randrange(60), tzinfo=JAPAN)
