"""Who is of compulsory school age, and who will be next April? Ages and years are dated in connectors/law.yaml."""

from datetime import date

from bus import certain

SCHOOL_YEAR_BEGINS = (4, 1)  # 学校教育法施行規則 59条
ROLL_IS_MADE = (10, 1)  # 学校教育法施行令 2条; 学校教育法施行規則 31条
BEFORE, DURING, AFTER = -1, 0, 1


def is_on_roll(child, on: date, law) -> bool:
    """学校教育法施行令 1条, 2条: residents of school age, and from 1 October on those who enter next April."""
    return child.is_resident and has_age_of_pupil(child, on, law)


def is_entrant(child, on: date, law) -> bool:
    """学校保健安全法 11条: who is on the roll and has not entered yet."""
    return is_on_roll(child, on, law) and entry_year(child, law) > school_year(on)


def has_age_of_pupil(child, on: date, law) -> bool:
    return certain(child.birth, lambda born: band(born, school_year(on), roll_year(on), law)) == DURING


def may_be_pupil(child, on: date, law) -> bool:
    """学校教育法施行令 2条: the roll is made the year before; who has left is heard of until the age is over."""
    year = school_year(on)
    return certain(child.birth, lambda born: band(born, year, year + 1, law)) == DURING


def entry_year(child, law) -> int:
    """学校教育法 17条1項: the year of the first 1 April on or after the sixth birthday."""
    return certain(child.birth, lambda born: enters(born, law))


def band(born: date, year: int, newest: int, law) -> int:
    """`newest`: the year of entry of the youngest who count."""
    first = enters(born, law)
    return AFTER if year >= first + law.school.years else DURING if first <= newest else BEFORE


def enters(born: date, law) -> int:
    return born.year + law.school.entry_age + ((born.month, born.day) > SCHOOL_YEAR_BEGINS)


def school_year(on: date) -> int:
    return on.year - ((on.month, on.day) < SCHOOL_YEAR_BEGINS)


def roll_year(on: date) -> int:
    """The newest year of entry on the roll: from October to March that of the coming April."""
    return on.year + ((on.month, on.day) >= ROLL_IS_MADE)
