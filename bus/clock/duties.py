"""On which day does the calendar start a duty? The list is schemas/codes/duty.yaml, ages are dated parameters. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML

from bus.clock.life import Life
from bus.dates import Uncertain, attains, certain
from bus.errors import Misconfigured, Undecided
from bus.reading.law import Law

_DAY: Final = timedelta(days=1)
_OF_BIRTH: Final = ("attains", "birthday", "school_entry", "fiscal_year_end")
_OF_PERMIT: Final = ("permit_end", "transit_end")
_OF_YEAR: Final = ("every_year", "pension_month")
_WHO: Final = ("residents", "foreign", "transit")


class Duty(NamedTuple):
    """An entry of schemas/codes/duty.yaml."""

    reason: str
    rule: str
    who: str
    law: str | None = None  # the parameter that holds the age, or the number of days
    leap: str | None = None  # the parameter that says when those born on 29 February have their birthday
    days: tuple[tuple[int, int], ...] = ()  # month and day

    @property
    def recurs(self) -> bool:
        return self.rule in _OF_YEAR

    @property
    def is_of_birth(self) -> bool:
        """A birth that changes was wrong before; a permit that changes was not."""
        return self.rule in _OF_BIRTH or self.rule == "pension_month"


class Due(NamedTuple):
    """A day a duty is due on; `why` it cannot be said, where the date it follows from is too uncertain."""

    duty: str
    day: date
    why: str | None = None


class Calendar:
    """All duties, under a law."""

    def __init__(self, duties: tuple[Duty, ...], law: Law) -> None:
        self.duties, self.law = duties, law
        self.by_reason = {duty.reason: duty for duty in duties}
        self.order = {duty.reason: number for number, duty in enumerate(duties)}

    def after(self, life: Life, day: date) -> Iterator[Due]:
        """What is still to come: all that comes once, and the next of what comes again."""
        for duty in self.duties:
            found = self.between(duty, life, day, date.max)
            yield from islice(found, 1) if duty.recurs else found

    def until(self, life: Life, began: date, day: date) -> Iterator[Due]:
        """What has been due since the clock began, in a life as it is known now."""
        for duty in self.duties:
            yield from self.between(duty, life, began, day)

    def between(self, duty: Duty, life: Life, after: date, upto: date) -> Iterator[Due]:
        """The days behind `after`, up to `upto`, on which the duty is due; none of them was over when we first heard.

        What comes again asks who lived here then, whenever it is heard of (domain 1.4). What is attained once does not:
        a person who arrives is heard of as the age is.
        """
        for stay in life.stays if _is_meant(duty, life) else ():
            first = max(after, stay.since - _DAY)
            first = first if duty.recurs else max(first, stay.heard)
            last = min(upto, stay.until - _DAY) if stay.until else upto
            if first < last:
                yield from self._days(duty, life, first, last)

    def holds(self, duty: Duty, life: Life, day: date) -> bool:
        """Is it right that the duty was due on that day?"""
        if not any(stay.includes(day) for stay in life.stays):
            return False
        return any(one.day == day or one.why for one in self._days(duty, life, day - _DAY, day))

    def _days(self, duty: Duty, life: Life, after: date, upto: date) -> Iterator[Due]:
        if duty.recurs:
            yield from self._recurring(duty, life, after, upto)
            return
        when = _date(duty, life)
        if when is None and not duty.is_of_birth:
            return
        try:
            days = certain(when, lambda one: tuple(self._once(duty, one)))
            yield from (Due(duty.reason, day) for day in days if after < day <= upto)
        except Undecided as undecided:
            earliest, latest = self._ends(duty, when)
            if latest > after and earliest <= upto:
                yield Due(duty.reason, max(earliest, after + _DAY), undecided.code)

    def _ends(self, duty: Duty, when: Uncertain | None) -> tuple[date, date]:
        """The first and the last day it may be."""
        first = self._once(duty, when.earliest) if when and when.earliest else ()
        last = self._once(duty, when.latest) if when and when.latest else ()
        return min(first, default=date.min), max(last, default=date.max)

    def _once(self, duty: Duty, when: date) -> Iterator[date]:
        """By the law of its day: a value that is not in force then counts for nothing."""
        if duty.law is None:
            yield when
            return
        for dated in self.law.parameters[duty.law]:
            leap = self._leap(duty, when.year + dated.value) if duty.leap else (3, 1)
            day = due(duty.rule, when, dated.value, leap)
            if dated.holds(day):
                yield day

    def _leap(self, duty: Duty, year: int) -> tuple[int, int]:
        found = [one.value for one in self.law.parameters[str(duty.leap)] if one.holds(date(year, 3, 1))]
        month, _, day = (found[0] if found else "03-01").partition("-")
        return int(month), int(day)

    def _recurring(self, duty: Duty, life: Life, after: date, upto: date) -> Iterator[Due]:
        first = after.year
        if duty.law and life.born and life.born.earliest:  # nobody is of age before these years are over
            youngest = min(dated.value for dated in self.law.parameters[duty.law])
            first = max(first, life.born.earliest.year + youngest - 1)
        for year in range(first, min(upto.year, first + 150) + 1):
            for month, number in duty.days:
                day = date(year, month, number)
                if after < day <= upto:
                    yield from self._if_of_age(duty, life, day)

    def _if_of_age(self, duty: Duty, life: Life, day: date) -> Iterator[Due]:
        if duty.law is None:
            yield Due(duty.reason, day)
            return
        for dated in self.law.parameters[duty.law]:
            if dated.holds(day):
                try:
                    if certain(life.born, partial(_has_attained, dated.value, day)):
                        yield Due(duty.reason, day)
                except Undecided as undecided:
                    yield Due(duty.reason, day, undecided.code)


def due(rule: str, when: date, number: int, leap: tuple[int, int] = (3, 1)) -> date:
    """The day by rule: of a birth and an age, or of another date and a number of days.

    `leap`: when those born on 29 February have their birthday in a common year.
    """
    if rule == "transit_end":
        return when + timedelta(days=number)
    attained = attains(when, number)
    match rule:
        case "attains":
            return attained
        case "birthday":
            return _birthday(when, number, leap)
        case "school_entry":  # 1 April on or after the day behind that on which the age is attained
            return _first(4, 1, attained + _DAY)
        case "fiscal_year_end":  # 31 March on or after the day on which the age is attained
            return _first(3, 31, attained)
    raise ValueError(rule)


def _has_attained(age: int, day: date, born: date) -> bool:
    return attains(born, age) <= day


def _birthday(born: date, age: int, leap: tuple[int, int]) -> date:
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, *leap)


def _first(month: int, number: int, day: date) -> date:
    this_year = date(day.year, month, number)
    return this_year if this_year >= day else date(day.year + 1, month, number)


def _is_meant(duty: Duty, life: Life) -> bool:
    return duty.who == "residents" or (life.foreign if duty.who == "foreign" else life.in_transit)


def _date(duty: Duty, life: Life) -> Uncertain | None:
    if duty.is_of_birth:
        return life.born
    return life.permit_until if duty.rule == "permit_end" else life.foreign_since


def load(schemas: Path, law: Law) -> Calendar:
    path = schemas / "codes" / "duty.yaml"
    entries = YAML(typ="safe").load(path) if path.is_file() else []
    wrong = [f"{path.name}: {entry.get('reason')}: {what}" for entry in entries for what in _mistakes(entry, law)]
    if wrong:
        raise Misconfigured.all(wrong)
    return Calendar(tuple(_duty(entry) for entry in entries), law)


def transits(schemas: Path) -> frozenset[str]:
    """The codes of 第30条45規定区分 whose stay ends by itself."""
    path = schemas / "codes" / "article_30_45.yaml"
    codes = YAML(typ="safe").load(path)["codes"] if path.is_file() else ()
    return frozenset(entry["code"] for entry in codes if entry.get("transit"))


def _duty(entry: Mapping[str, Any]) -> Duty:
    days = tuple((int(day[:2]), int(day[3:])) for day in entry.get("days", ()))
    return Duty(entry["reason"], entry["rule"], entry["who"], entry.get("law"), entry.get("leap"), days)


def _mistakes(entry: Mapping[str, Any], law: Law) -> Iterator[str]:
    rule = entry.get("rule")
    if rule not in (*_OF_BIRTH, *_OF_PERMIT, *_OF_YEAR):
        yield f"{rule} is not a rule"
    if entry.get("who") not in _WHO:
        yield f"who is one of {', '.join(_WHO)}"
    if (rule in _OF_BIRTH or rule in {"transit_end", "pension_month"}) and "law" not in entry:
        yield f"{rule} needs a parameter of the law"
    if (rule in _OF_YEAR) != bool(entry.get("days")):
        yield "days belong to a rule that comes again, and only there"
    for path in (entry.get("law"), entry.get("leap")):
        if path is not None and path not in law.parameters:
            yield f"law.{path} is not a parameter: see connectors/law.yaml"
