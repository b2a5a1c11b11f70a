"""Who is invited to what, from when to when? The vaccinations, check-ups, screenings and ages are dated in law.yaml.

Months are attained on the day before the same day of the month, or on its last where there is none (民法 143条).
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from bus import attains, certain

YEAR_BEGINS = (4, 1)
YEAR_ENDS = (3, 31)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
FEMALE = "2"  # 性別


class Invitation(NamedTuple):
    programme: str
    since: date
    until: date


class Screening(NamedTuple):
    programme: str
    fiscal_year: int


def child_programme(person, on: date, law) -> list[Invitation]:
    """予防接種法施行令 3条 (A類), 母子保健法 12条1項: what is open, or will be; nothing of who is past all of it."""
    _, last = law.kenko_kanri.hpv_ages
    if certain(person.birth, lambda born: attains(born, last + 1) <= on):
        return []
    born = certain(person.birth, lambda born: born)
    found = [*vaccinations(born, law), *checkups(born, law), *school_vaccinations(born, is_female(person), law)]
    return [one for one in found if one.until >= on]


def vaccinations(born: date, law) -> list[Invitation]:
    """予防接種法施行令 3条: 出生何週零日後, or by months."""
    weeks, months = law.kenko_kanri.vaccination_weeks, law.kenko_kanri.vaccination_months
    by_week = [Invitation(name, born + a * WEEK, born + b * WEEK) for name, (a, b) in weeks.items()]
    by_month = [Invitation(name, months_old(born, a), months_old(born, b)) for name, (a, b) in months.items()]
    return by_week + by_month


def checkups(born: date, law) -> list[Invitation]:
    """母子保健法 12条1項: 超え, 達しない: from the day after to the day before."""
    months = law.kenko_kanri.checkup_months
    return [Invitation(name, months_old(born, a) + DAY, months_old(born, b) - DAY) for name, (a, b) in months.items()]


def school_vaccinations(born: date, female: bool, law) -> list[Invitation]:
    """予防接種法施行令 3条: 麻しん・風しん第2期 in the year before school; HPV from one fiscal year to another."""
    measles = attains(born, law.school.entry_age)
    first, last = (attains(born, age) for age in law.kenko_kanri.hpv_ages)
    found = [Invitation("麻しん・風しん第2期", year_begin(measles), year_end(measles))]
    return [*found, Invitation("HPV", year_begin(first), year_end(last))] if female else found


def screenings(person, on: date, law) -> list[Screening]:
    """健康増進法 19条の2: whoever is of the age by the end of the fiscal year."""
    end = year_end(on)
    wanted = law.kenko_kanri.screenings_of_women | law.kenko_kanri.screenings
    names = [name for name in wanted if is_female(person) or name in law.kenko_kanri.screenings]
    due = [name for name in names if certain(person.birth, lambda born, name=name: attains(born, wanted[name]) <= end)]
    return [Screening(name, end.year - 1) for name in due]


def elderly_programme(person, on: date, law) -> list[Invitation]:
    """予防接種法施行令 3条 (B類): in the fiscal year of one of the ages, or while one is of an age."""
    year = (year_begin(on), year_end(on))
    years, ages = law.kenko_kanri.elderly_years, law.kenko_kanri.elderly_ages
    found = [Invitation(name, *year) for name, listed in years.items() if is_of_year(person, listed, year[1])]
    windows = [(name, age) for name, age in ages.items() if is_of_age(person, age, on)]
    born = certain(person.birth, lambda born: born) if windows else None
    return found + [Invitation(name, attains(born, age), attains(born, age + 1)) for name, age in windows if born]


def is_of_year(person, listed: Sequence[int], end: date) -> bool:
    """How many of the ages are behind, and how many with this year's: neither turns back with age."""

    def passed(born: date) -> tuple[int, int]:
        age = age_on(born, end)
        return sum(one < age for one in listed), sum(one <= age for one in listed)

    before, now = certain(person.birth, passed)
    return before < now


def is_of_age(person, age: int, on: date) -> bool:
    """Up to the end of the fiscal year somebody comes to the age; the day before the next birthday is the last."""
    comes = certain(person.birth, lambda born: attains(born, age) <= year_end(on))
    return comes and not certain(person.birth, lambda born: attains(born, age + 1) < on)


def is_female(person) -> bool:
    """Written as 2 or as 02, as the register came by it."""
    return (person.sex or "").lstrip("0") == FEMALE


def age_on(born: date, day: date) -> int:
    age = day.year - born.year
    return age if attains(born, age) <= day else age - 1


def months_old(born: date, months: int) -> date:
    years, month = divmod(born.month - 1 + months, 12)
    year, last = born.year + years, monthrange(born.year + years, month + 1)[1]
    return date(year, month + 1, last) if born.day > last else max(born, date(year, month + 1, born.day) - DAY)


def year_begin(day: date) -> date:
    return date(day.year - ((day.month, day.day) < YEAR_BEGINS), *YEAR_BEGINS)


def year_end(day: date) -> date:
    return date(day.year + ((day.month, day.day) > YEAR_ENDS), *YEAR_ENDS)
