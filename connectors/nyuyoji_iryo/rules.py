"""Which children does the town help with the costs of a doctor, from when to when? Age and income are in law.yaml."""

from datetime import date

from bus import attains, certain

FISCAL_YEAR_ENDS = (3, 31)


def is_child(person, on: date, law) -> bool:
    """乳幼児医療費助成条例 2条: a resident, up to the 31 March of the age that the ordinance sets."""
    return person.is_resident and has_age_of_child(person, on, law)


def has_age_of_child(person, on: date, law) -> bool:
    """Whom we hear about: also after a move or a death."""
    return certain(person.birth, lambda born: on <= fiscal_year_end(attains(born, law.nyuyoji_iryo.last_age)))


def is_last_day(person, on: date, law) -> bool:
    """条例 2条: the 31 March itself. The calendar has a duty for each age; only that of the ordinance's is it."""
    return person.is_resident and last_day(person, law) == on


def last_day(person, law) -> date:
    """条例 2条; 年齢計算ニ関スル法律: born on 1 April is one school year earlier than born on 2 April."""
    return certain(person.birth, lambda born: fiscal_year_end(attains(born, law.nyuyoji_iryo.last_age)))


def entitled_from(person) -> date:
    """条例 5条: from the birth, or the day of the address."""
    return certain(person.resident_since, lambda day: day)


def ends_on(person) -> date:
    """条例 6条: on the day itself; from the next one another town helps."""
    return certain(person.removal.date, lambda day: day)


def is_over_limit(taxation, law) -> bool:
    """条例 4条: of the income of who brings the child up, more for each dependant. No limit is none."""
    limit = law.nyuyoji_iryo.income_limit
    allowed = (limit or 0) + (taxation.dependants or 0) * law.nyuyoji_iryo.income_limit_per_dependant
    return limit is not None and (taxation.income or 0) > allowed


def fiscal_year_end(attained: date) -> date:
    """The first 31 March on or after that day."""
    return date(attained.year + ((attained.month, attained.day) > FISCAL_YEAR_ENDS), *FISCAL_YEAR_ENDS)
