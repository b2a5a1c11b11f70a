"""Who has left the register, where from, and where to?"""

NEVER_RESIDENT = "S09"  # 異動の取消し（減）: the entry itself was undone


def has_left(person) -> bool:
    """住民基本台帳法 8条, 15条の2: struck off, for whatever reason; an annulled entry never was one."""
    gone = not person.is_resident and person.removal.date is not None
    return gone and person.removal.reason_code != NEVER_RESIDENT


def new_address(person) -> str | None:
    """As it was confirmed, else as it was planned."""
    where = (person.move_out.prefecture, person.move_out.city, person.move_out.town, person.move_out.lot)
    plan = (person.move_out.planned_prefecture, person.move_out.planned_city, person.move_out.planned_town)
    planned = joined(*plan, person.move_out.planned_lot, person.move_out.planned_building)
    return joined(*where, person.move_out.building) or planned


def address_before(person) -> str | None:
    """Of the basic four data (氏名, 住所, 性別, 生年月日): where we may have written to."""
    where = (person.previous.prefecture, person.previous.city, person.previous.town, person.previous.lot)
    return joined(*where, person.previous.building)


def joined(*parts: str | None) -> str | None:
    return "".join(part for part in parts if part) or None
