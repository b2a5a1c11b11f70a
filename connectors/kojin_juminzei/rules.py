"""Who has an entry among the taxpayers, and where do notices go?"""

STATES = ("1", "2", "3", "9")  # 住民状態: resident, moved out, dead, otherwise struck off
MOVED_OUT = "2"
NEVER_RESIDENT = "S09"  # 異動の取消し（減）: the entry itself was undone


def has_been_resident(person) -> bool:
    """地方税法 294条: taxed is who has an address here; the duty outlasts it. An undone entry never was one."""
    return person.is_resident or (state(person) in STATES and person.removal.reason_code != NEVER_RESIDENT)


def leaves_the_country(person) -> bool:
    """地方税法 300条: to a place with a name but no code of Japan's. A hidden place says nothing."""
    code = person.move_out.municipality_code or person.move_out.planned_municipality_code
    return not code and bool(confirmed(person) or planned(person))


def notice_address(person) -> str | None:
    """地方税法 20条の2: at the address; after a move at the new one, as it was confirmed, else as it was planned."""
    new = (confirmed(person) or planned(person)) if state(person) == MOVED_OUT else None
    here = (person.address.prefecture, person.address.city, person.address.town, person.address.lot)
    return new or joined(*here, person.address.building)


def notice_postal_code(person) -> str | None:
    """Of the address of notices; that of a planned address is not reported."""
    if state(person) != MOVED_OUT:
        return person.address.postal_code
    return person.move_out.postal_code


def state(person) -> str:
    """Written as 2 or as 02, as the register came by it."""
    return (person.state or "").lstrip("0")


def confirmed(person) -> str | None:
    where = (person.move_out.prefecture, person.move_out.city, person.move_out.town, person.move_out.lot)
    return joined(*where, person.move_out.building)


def planned(person) -> str | None:
    where = (person.move_out.planned_prefecture, person.move_out.planned_city, person.move_out.planned_town)
    return joined(*where, person.move_out.planned_lot, person.move_out.planned_building)


def joined(*parts: str | None) -> str | None:
    return "".join(part for part in parts if part) or None
