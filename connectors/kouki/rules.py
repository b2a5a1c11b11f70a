"""Who is insured in the elderly's scheme, since when, until when, and by which union? Ages are in law.yaml."""

import re
from datetime import date, timedelta

from bus import attains, certain

MOVED_OUT, DEAD = "2", "3"  # 住民状態 転出者, 死亡者
NEXT_DAY = timedelta(days=1)
FACILITY = re.compile("ホーム|施設|苑|園|荘|老健|医療院|病院|ハウス|寮")  # words that make a clerk look


def has_attained_65(person, on: date, law) -> bool:
    """50条2号. Younger ones do not concern us at all."""
    return certain(person.birth, lambda born: attains(born, law.kouki.disability_age) <= on)


def turns_75_on(person, law) -> date:
    """50条1号, 52条1号: insured from the birthday itself. Of 29 February the reading is that of the loss in kokuho."""
    return certain(person.birth, lambda born: birthday(born, law))


def birthday(born: date, law) -> date:
    day = attains(born, law.kouki.first_age) + NEXT_DAY
    if born.month != day.month:  # 29 February, in a common year
        day = date(day.year, *map(int, law.kokuho.leap_day_birthday.split("-")))
    return day


def is_seventy_five(person, on: date, law) -> bool:
    return certain(person.birth, lambda born: birthday(born, law) <= on)


def was_insured(person, on: date, law) -> bool:
    """50条: by age, or by 障害認定, as the register was told."""
    return person.schemes.kouki == "1" or is_seventy_five(person, on, law)


def is_insured(person, on: date, law) -> bool:
    return person.is_resident and was_insured(person, on, law)


def is_sixty_five_to_seventy_four(person, on: date, law) -> bool:
    """50条2号: both ends of the band are asked for alone, for neither turns back."""
    return person.is_resident and has_attained_65(person, on, law) and not was_insured(person, on, law)


def acquired_on(person, law) -> date:
    """52条: the 75th birthday, or the day of the address where it was taken later."""
    since = certain(person.resident_since, lambda day: day)
    return certain(person.birth, lambda born: max(birthday(born, law), since))


def gain_effect(person) -> str | None:
    """52条: inside the prefecture the insurer stays. None: not known (from abroad, or hidden)."""
    return effect(person.previous.municipality_code, person.municipality_code, "資格取得", "県内転入")


def state(person) -> str:
    """Written as 3 or as 03, as the register came by it."""
    return (person.state or "").lstrip("0")


def was_insured_and_left(person, on: date, law) -> bool:
    return state(person) == MOVED_OUT and was_insured(person, on, law)


def lost_on(person) -> date:
    """53条1項: the day after; the day itself where an address in another union's area is taken on it (ただし書)."""
    end = certain(person.removal.date, lambda day: day)
    arrived = person.move_out.confirmed_on
    same_day = arrived is not None and arrived.earliest == arrived.latest == end
    return end if same_day and loss_effect(person) == "資格喪失" and state(person) != DEAD else end + NEXT_DAY


def loss_effect(person) -> str | None:
    """53条: who moves inside the prefecture loses nothing. None: not known."""
    if state(person) == DEAD:
        return "資格喪失"
    return effect(destination(person), person.municipality_code, "資格喪失", "県内転出")


def effect(other: str | None, here: str | None, across: str, inside: str) -> str | None:
    """Digits 1 and 2 of a 団体コード are the prefecture."""
    return (inside if other[:2] == here[:2] else across) if other and here else None


def may_stay_insured(person, on: date, law) -> bool:
    """55条: a facility in another prefecture; or where to is not known (hidden, not reported)."""
    into = bool(FACILITY.search(destination_building(person) or "")) or destination(person) is None
    return into and loss_effect(person) != "県内転出" and was_insured(person, on, law)


def may_be_insured_elsewhere(person, on: date, law) -> bool:
    """55条: the same of who comes; a protected person's address is hidden, so a clerk asks."""
    into = bool(FACILITY.search(person.address.building or "")) or person.address.town is None
    return into and gain_effect(person) != "県内転入" and was_insured(person, on, law)


def destination(person) -> str | None:
    return person.move_out.municipality_code or person.move_out.planned_municipality_code or None


def destination_building(person) -> str | None:
    return person.move_out.building or person.move_out.planned_building or None


def is_severe_enough(certificate, law) -> bool:
    """50条2号, 施行令 別表: the grades that a clerk reads as such a state."""
    return f"{certificate.kind}{certificate.grade}" in law.kouki.disability_grades.split()


def assisted_from(assistance) -> date:
    """51条1号, 53条2項: lost on the very day."""
    return certain(assistance.since, lambda day: day)


def is_ours(payment) -> bool:
    """Of the premium that we assessed ourselves, and of nothing else."""
    return payment.system == "kouki"
