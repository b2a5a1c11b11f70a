"""Who is insured by age and residence, since when, until when? Ages are dated in connectors/law.yaml."""

from datetime import date, timedelta

from bus import attains, certain

FROM_ABROAD, TO_ABROAD = "K02", "S02"  # 異動事由 国外転入等, 国外転出
NEXT_DAY = timedelta(days=1)


def has_attained_20(person, on: date, law) -> bool:
    """国民年金法 7条1項1号. Younger ones do not concern us at all."""
    return certain(person.birth, lambda born: attains(born, law.nenkin.first_age) <= on)


def has_attained_60(person, on: date, law) -> bool:
    return certain(person.birth, lambda born: attains(born, law.nenkin.last_age) <= on)


def is_of_age(person, on: date, law) -> bool:
    """国民年金法 7条1項1号: both ends are asked for alone, for neither turns back."""
    return has_attained_20(person, on, law) and not has_attained_60(person, on, law)


def is_of_age_here(person, on: date, law) -> bool:
    return person.is_resident and is_of_age(person, on, law)


def turns_20_on(person, law) -> date:
    """国民年金法 8条1号; 年齢計算ニ関スル法律: on the day before the birthday."""
    return certain(person.birth, lambda born: attains(born, law.nenkin.first_age))


def turns_60_on(person, law) -> date:
    """国民年金法 9条3号: lost on that very day."""
    return certain(person.birth, lambda born: attains(born, law.nenkin.last_age))


def is_back_from_abroad(person, on: date, law) -> bool:
    """国民年金法 8条2号."""
    return person.entry.reason_code == FROM_ABROAD and is_of_age_here(person, on, law)


def acquired_on(person) -> date:
    """国民年金法 8条2号: the day on which the address was taken."""
    return certain(person.resident_since, lambda day: day)


def goes_abroad(person, on: date, law) -> bool:
    """国民年金法 9条2号."""
    return person.removal.reason_code == TO_ABROAD and is_of_age(person, on, law)


def lost_on(person) -> date:
    """国民年金法 9条: the day after."""
    return certain(person.removal.date, lambda day: day + NEXT_DAY)
