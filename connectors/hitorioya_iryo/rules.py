"""Who is a child of a family of one parent, until when, and who lives as if married? The age is in law.yaml."""

from datetime import date

from bus import attains, certain

FISCAL_YEAR_ENDS = (3, 31)
PARTNERS = ("13", "14")  # 続柄コード 夫（未届）, 妻（未届）
PARTNERS_IN_WORDS = ("夫（未届）", "妻（未届）")


def is_child(person, on: date, law) -> bool:
    """ひとり親家庭等医療費助成条例 2条2項, as 児童扶養手当法 3条1項: up to the 31 March after the age is attained."""
    return person.is_resident and has_age_of_child(person, on, law)


def has_age_of_child(person, on: date, law) -> bool:
    """Of who was born about 1935 there is nothing to ask."""
    return certain(person.birth, lambda born: on <= fiscal_year_end(attains(born, law.jido_fuyo.last_age)))


def is_last_day(person, on: date, law) -> bool:
    """条例 2条2項: the 31 March itself."""
    return person.is_resident and last_day(person, law) == on


def last_day(person, law) -> date:
    """児童扶養手当法 3条1項; 年齢計算ニ関スル法律: born on 1 April is one school year earlier than born on 2 April."""
    return certain(person.birth, lambda born: fiscal_year_end(attains(born, law.jido_fuyo.last_age)))


def is_unregistered_partner(person) -> bool:
    """児童扶養手当法 3条3項: as if married, though no marriage was notified. Some registers write the word alone."""
    return person.household.relation_code in PARTNERS or person.household.relation in PARTNERS_IN_WORDS


def ends_on(person) -> date:
    """条例 6条: on the day itself; from the next one another town helps."""
    return certain(person.removal.date, lambda day: day)


def fiscal_year_end(attained: date) -> date:
    """The first 31 March on or after that day."""
    return date(attained.year + ((attained.month, attained.day) > FISCAL_YEAR_ENDS), *FISCAL_YEAR_ENDS)
