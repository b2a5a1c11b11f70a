"""Who may be insured, from when, until when; who answers for the household. Ages are dated in connectors/law.yaml."""

from datetime import date, timedelta

from bus import attains, certain

HEAD = "02"  # 続柄コード 世帯主
DEAD = "3"  # 住民状態 死亡者
MOVED_OUT = "2"
INSURED = "1"
NEXT_DAY = timedelta(days=1)
LEAP_DAY = (2, 29)


def is_head(person) -> bool:
    """Written as 2 or as 02, as the register came by it."""
    return (person.household.relation_code or "").zfill(2) == HEAD


def is_insured(person) -> bool:
    """As the register was told (住民基本台帳法 7条 10号)."""
    return person.schemes.kokuho == INSURED


def is_nominal_head(person) -> bool:
    """擬制世帯主: the premium is the head's duty, also of one who is not insured himself (76条, 地方税法 703条の4)."""
    return is_head(person) and not is_insured(person)


def may_be_insured(person, on: date, law) -> bool:
    """国民健康保険法 5条, 6条8号: a resident, before 後期高齢者医療. The register knows no other ground."""
    return person.is_resident and might_have_been_insured(person, on, law)


def might_have_been_insured(person, on: date, law) -> bool:
    return certain(person.birth, lambda born: on < loss_by_age(born, law))


def leaves_at_75_on(person, law) -> date:
    """国民健康保険法 6条8号, 8条."""
    return certain(person.birth, lambda born: loss_by_age(born, law))


def acquired_on(person) -> date:
    """国民健康保険法 7条: the day on which the address was taken, or of the birth."""
    return certain(person.resident_since, lambda day: day)


def is_dead(person) -> bool:
    """Written as 3 or as 03, as the register came by it."""
    return (person.state or "").lstrip("0") == DEAD


def lost_on(person) -> date:
    """国民健康保険法 8条1項: the day after; the day itself where an address in another prefecture is taken on it."""
    end = certain(person.removal.date, lambda day: day)
    arrived = person.move_out.confirmed_on
    same_day = arrived is not None and arrived.earliest == arrived.latest == end
    elsewhere = same_day and stays_in_prefecture(person) is False and not is_dead(person)
    return end if elsewhere else end + NEXT_DAY


def has_moved_out(person) -> bool:
    """Written as 2 or as 02, as the register came by it."""
    return (person.state or "").lstrip("0") == MOVED_OUT


def new_address(person) -> str | None:
    """地方税法 20条の2: where a notice goes after a move; as it was confirmed, else as it was planned."""
    where = (person.move_out.prefecture, person.move_out.city, person.move_out.town, person.move_out.lot)
    plan = (person.move_out.planned_prefecture, person.move_out.planned_city, person.move_out.planned_town)
    planned = joined(*plan, person.move_out.planned_lot, person.move_out.planned_building)
    return joined(*where, person.move_out.building) or planned


def effect(person) -> str | None:
    """国民健康保険法 8条, 9条: inside the prefecture the insurer stays, the town changes. None: not known."""
    stays = stays_in_prefecture(person)
    if is_dead(person) or stays is False:
        return "資格喪失"
    return None if stays is None else "適用終了"


def stays_in_prefecture(person) -> bool | None:
    """Digits 1 and 2 of a 団体コード are the prefecture. A protected person's new one is hidden."""
    to = person.move_out.municipality_code or person.move_out.planned_municipality_code
    return to[:2] == person.municipality_code[:2] if to and person.municipality_code else None


def loss_by_age(born: date, law) -> date:
    """高齢者の医療の確保に関する法律 50条1号: insured there from the birthday on. Two readings each: see law.yaml."""
    birthday = attains(born, law.kokuho.upper_age) + NEXT_DAY
    if (born.month, born.day) == LEAP_DAY and birthday.month != LEAP_DAY[0]:  # a common year
        month, day = map(int, law.kokuho.leap_day_birthday.split("-"))
        birthday = date(birthday.year, month, day)
    return birthday + timedelta(days=law.kokuho.days_after_75th_birthday)


def joined(*parts: str | None) -> str | None:
    return "".join(part for part in parts if part) or None


def home_address(addressee) -> str | None:
    where = (addressee.address.prefecture, addressee.address.city, addressee.address.town, addressee.address.lot)
    return joined(*where, addressee.address.building)


def is_by_disability(elderly) -> bool:
    """高齢者の医療の確保に関する法律 50条2号. Who is 75 is on the calendar already."""
    return "障害" in (elderly.ground or "")


def assisted_from(assistance) -> date:
    """国民健康保険法 6条9号, 8条2項: lost on the very day."""
    return certain(assistance.since, lambda day: day)


def is_ours(payment) -> bool:
    """Of the premium that we assessed ourselves, and of nothing else."""
    return payment.system == "kokuho"
