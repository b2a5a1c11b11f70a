"""Who is insured, since when, until when, and who may stay insured although gone. Ages are in law.yaml."""

from datetime import date, timedelta

from bus import attains, certain

MOVED_OUT, DEAD = "2", "3"  # 住民状態 転出者, 死亡者
PENSION_DAY = 15
# Words that make a clerk look.
FACILITIES = ("ホーム", "施設", "苑", "園", "荘", "老健", "医療院", "病院", "ハウス", "寮")


def is_first_insured(person, on: date, law) -> bool:
    """介護保険法 9条1号: who has an address in the town and has attained 65."""
    return person.is_resident and has_attained_65(person, on, law)


def has_attained_65(person, on: date, law) -> bool:
    """年齢計算ニ関スル法律: on the day before the birthday."""
    return certain(person.birth, lambda born: attains(born, law.kaigo.first_age) <= on)


def has_attained_40(person, on: date, law) -> bool:
    """介護保険法 9条2号. Younger ones do not concern us at all."""
    return certain(person.birth, lambda born: attains(born, law.kaigo.second_age) <= on)


def is_newly_insured(person, on: date, law) -> bool:
    """介護保険法 134条, 135条: since pensions were paid last, so that deduction has to be asked for."""
    months = on.year * 12 + on.month - 1 - law.kaigo.months_between_pensions
    last = date(months // 12, months % 12 + 1, PENSION_DAY)
    arrived = certain(person.resident_since, lambda day: day > last)
    is_old = certain(person.birth, lambda born: attains(born, law.kaigo.first_age) <= last)
    return is_first_insured(person, on, law) and (arrived or not is_old)


def is_forty_to_sixty_four(person, on: date, law) -> bool:
    return person.is_resident and has_attained_40(person, on, law) and not has_attained_65(person, on, law)


def turns_65_on(person, law) -> date:
    return certain(person.birth, lambda born: attains(born, law.kaigo.first_age))


def insured_since(person, law) -> date:
    """介護保険法 10条: the day 65 is attained (4号), or that of the address where it was taken later (2号)."""
    since = certain(person.resident_since, lambda day: day)
    return certain(person.birth, lambda born: max(attains(born, law.kaigo.first_age), since))


def state(person) -> str:
    """Written as 3 or as 03, as the register came by it."""
    return (person.state or "").lstrip("0")


def is_gone_at_65(person, on: date, law) -> bool:
    return state(person) == MOVED_OUT and has_attained_65(person, on, law)


def lost_on(person) -> date:
    """介護保険法 11条1項: the day after; the day itself where an address in another town is taken on it (ただし書)."""
    end = certain(person.removal.date, lambda day: day)
    arrived = person.move_out.confirmed_on
    same_day = arrived is not None and arrived.earliest == arrived.latest == end
    return end if same_day and state(person) != DEAD else end + timedelta(days=1)


def may_move_to_facility(person, on: date, law) -> bool:
    """介護保険法 13条: a facility's name in the new address; or the new address is not known (hidden, not reported)."""
    looks_like_one = is_facility(destination_building(person))
    return has_attained_40(person, on, law) and (looks_like_one or destination(person) is None)


def may_have_come_to_facility(person, on: date, law) -> bool:
    """The same clause for who comes from another town; a protected person's address is hidden, so a clerk asks."""
    looks_like_one = is_facility(person.address.building) or person.address.town is None
    return has_attained_40(person, on, law) and looks_like_one


def is_facility(building: str | None) -> bool:
    return building is not None and any(word in building for word in FACILITIES)


def destination(person) -> str | None:
    """The town, as it was confirmed, else as it was planned."""
    return person.move_out.municipality_code or person.move_out.planned_municipality_code or None


def destination_building(person) -> str | None:
    return person.move_out.building or person.move_out.planned_building or None


def new_address(person) -> str | None:
    """Where a notice goes after a move; as it was confirmed, else as it was planned."""
    where = (person.move_out.prefecture, person.move_out.city, person.move_out.town, person.move_out.lot)
    plan = (person.move_out.planned_prefecture, person.move_out.planned_city, person.move_out.planned_town)
    planned = joined(*plan, person.move_out.planned_lot, person.move_out.planned_building)
    return joined(*where, person.move_out.building) or planned


def home_address(addressee) -> str | None:
    where = (addressee.address.prefecture, addressee.address.city, addressee.address.town, addressee.address.lot)
    return joined(*where, addressee.address.building)


def joined(*parts: str | None) -> str | None:
    return "".join(part for part in parts if part) or None


def is_ours(payment) -> bool:
    """Of the premium that we assessed ourselves, and of nothing else."""
    return payment.system == "kaigo"
