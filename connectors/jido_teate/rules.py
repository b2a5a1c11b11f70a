"""Who is a child in the sense of the allowance, who receives for one, and when does it end? Ages are in law.yaml."""

from datetime import date, timedelta

from bus import attains, certain

FISCAL_YEAR_ENDS = (3, 31)
NO_RECIPIENT = (None, "", "0")  # 児童手当資格区分: blank in most registers
MOVED_OUT = "2"  # 住民状態 転出者
CORPORATION = "2"


def is_child(person, on: date, law) -> bool:
    """児童手当法 3条1項: up to the first 31 March after the age is attained; with an address in Japan."""
    return person.is_resident and has_age_of_child(person, on, law)


def has_age_of_child(person, on: date, law) -> bool:
    return certain(person.birth, lambda born: on <= fiscal_year_end(attains(born, law.jido_teate.last_age)))


def is_last_day(person, on: date, law) -> bool:
    """児童手当法 3条1項: the 31 March itself, under the age that is in force on it."""
    return person.is_resident and last_day(person, law) == on


def is_recipient(person) -> bool:
    """児童手当法 4条: who brings up a child and earns more. The register knows of it by 児童手当資格区分."""
    return person.is_resident and receives(person)


def receives(person) -> bool:
    return person.schemes.jido_type not in NO_RECIPIENT


def is_child_or_recipient(person, on: date, law) -> bool:
    return is_recipient(person) or is_child(person, on, law)


def was_child_or_recipient(person, on: date, law) -> bool:
    """Whom we hear about: also after a move or a death."""
    return receives(person) or has_age_of_child(person, on, law)


def has_moved_out(person) -> bool:
    """Written as 2 or as 02, as the register came by it."""
    return (person.state or "").lstrip("0") == MOVED_OUT


def role(person) -> str:
    return "受給者" if receives(person) else "児童"


def last_day(person, law) -> date:
    """児童手当法 3条1項; 年齢計算ニ関スル法律: born on 1 April is one school year earlier than born on 2 April."""
    return certain(person.birth, lambda born: fiscal_year_end(attains(born, law.jido_teate.last_age)))


def claim_by(person, law) -> date:
    """児童手当法 8条3項: within 15 days after the birth or the move; then it is paid as if claimed in that month."""
    return certain(person.resident_since, lambda day: day + timedelta(days=law.jido_teate.grace_days))


def last_month(person) -> str:
    """児童手当法 8条2項: the month in which the ground ceased; of a move, that of the planned day of moving out."""
    ended = person.move_out.planned_on or person.removal.date
    return certain(ended, lambda day: f"{day:%Y-%m}")


def fiscal_year_end(attained: date) -> date:
    """The first 31 March on or after that day."""
    return date(attained.year + ((attained.month, attained.day) > FISCAL_YEAR_ENDS), *FISCAL_YEAR_ENDS)


def new_address(person) -> str | None:
    """Where the last notice goes; nothing is known of a protected person's."""
    where = (person.move_out.prefecture, person.move_out.city, person.move_out.town, person.move_out.lot)
    plan = (person.move_out.planned_prefecture, person.move_out.planned_city, person.move_out.planned_town)
    planned = joined(*plan, person.move_out.planned_lot, person.move_out.planned_building)
    return joined(*where, person.move_out.building) or planned


def is_individual(addressee) -> bool:
    """児童手当法 3条, 4条: a child or a parent. Whose kind is not written counts as a person."""
    return (addressee.kind or "").lstrip("0") != CORPORATION


def home_address(addressee) -> str | None:
    where = (addressee.address.prefecture, addressee.address.city, addressee.address.town, addressee.address.lot)
    return joined(*where, addressee.address.building)


def joined(*parts: str | None) -> str | None:
    return "".join(part for part in parts if part) or None
