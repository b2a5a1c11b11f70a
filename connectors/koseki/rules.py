"""Whose addresses are recorded with the family register here, and which address is it now?"""

FOREIGN = "2"  # 住民種別: without a family register
STATES = ("1", "2", "3", "9")  # 住民状態
MOVED_OUT, STRUCK_OFF = "2", "9"
NEVER_RESIDENT = "S09"  # 異動の取消し（減）: the entry itself was undone


def may_have_honseki_here(person) -> bool:
    """住民基本台帳法 16条1項. Where it is not said (hidden, or unknown) nobody is left out: protection must arrive."""
    where = person.honseki.municipality_code
    return not is_foreign(person) and (where is None or where == person.municipality_code)


def has_fuhyo(person) -> bool:
    """住民基本台帳法 16条, 21条: also of who has left or died, until the whole family register is closed."""
    recorded = person.is_resident or (state(person) in STATES and person.removal.reason_code != NEVER_RESIDENT)
    return recorded and may_have_honseki_here(person)


def address_now(person) -> str | None:
    """住民基本台帳法 17条4号, 19条: after a move the new one, confirmed or else planned. None: hidden or not known."""
    if state(person) == STRUCK_OFF:
        return None
    new = (confirmed(person) or planned(person)) if state(person) == MOVED_OUT else None
    here = (person.address.prefecture, person.address.city, person.address.town, person.address.lot)
    return new or joined(*here, person.address.building)


def postal_code_now(person) -> str | None:
    """Of the same place; that of a planned address is not reported."""
    return person.move_out.postal_code if state(person) == MOVED_OUT else person.address.postal_code


def address_since(person) -> str | None:
    """住民基本台帳法 17条5号 住所を定めた年月日; after a move the day confirmed, else the day of the move."""
    days = (person.move_out.confirmed_on, person.removal.date, person.address.since)
    first = next((day for day in (days if state(person) == MOVED_OUT else days[2:]) if day is not None), None)
    return first.text if first is not None else None


def is_foreign(person) -> bool:
    """Written as 2 or as 02, as the register came by it."""
    return (person.resident_type or "").lstrip("0") == FOREIGN


def state(person) -> str:
    return (person.state or "").lstrip("0")


def confirmed(person) -> str | None:
    where = (person.move_out.prefecture, person.move_out.city, person.move_out.town, person.move_out.lot)
    return joined(*where, person.move_out.building)


def planned(person) -> str | None:
    where = (person.move_out.planned_prefecture, person.move_out.planned_city, person.move_out.planned_town)
    return joined(*where, person.move_out.planned_lot, person.move_out.planned_building)


def joined(*parts: str | None) -> str | None:
    return "".join(part for part in parts if part) or None
