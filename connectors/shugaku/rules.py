"""Who is of compulsory school age. Ages and years are dated in connectors/law.yaml."""

from datetime import date

from bus import certain

SCHOOL_YEAR_BEGINS = (4, 1)  # 学校教育法施行規則 59条
BEFORE, DURING, AFTER = -1, 0, 1


def is_of_school_age(child, on: date, law) -> bool:
    """学校教育法 17条: from the first school year after the sixth birthday, for nine years; for residents."""
    return child.is_resident and stage(child, on, law) == DURING


def has_age_of_pupil(child, on: date, law) -> bool:
    return stage(child, on, law) == DURING


def may_be_pupil(child, on: date, law) -> bool:
    """学校教育法施行令 2条: the roll is made the year before; who has left is heard of until the age is over."""
    year = school_year(on)
    now = certain(child.birth, lambda born: max(band(born, year, law), min(band(born, year + 1, law), DURING)))
    return now == DURING


def stage(child, on: date, law) -> int:
    year = school_year(on)
    return certain(child.birth, lambda born: band(born, year, law))


def entry_year(child, law) -> int:
    """学校教育法 17条1項: the year of the first 1 April on or after the sixth birthday."""
    return certain(child.birth, lambda born: enters(born, law))


def band(born: date, year: int, law) -> int:
    first = enters(born, law)
    return BEFORE if year < first else AFTER if year >= first + law.school.years else DURING


def enters(born: date, law) -> int:
    return born.year + law.school.entry_age + ((born.month, born.day) > SCHOOL_YEAR_BEGINS)


def school_year(on: date) -> int:
    return on.year - ((on.month, on.day) < SCHOOL_YEAR_BEGINS)
