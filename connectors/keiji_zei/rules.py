"""Who may hold a vehicle here, and where do notices go?"""

STATES = ("1", "2", "3", "9")  # 住民状態: resident, moved out, dead, otherwise struck off
MOVED_OUT = "2"
NEVER_RESIDENT = "S09"  # 異動の取消し（減）: the entry itself was undone


def has_been_resident(person) -> bool:
    """地方税法 443条: taxed is the holder of 1 April, wherever that one goes. An undone entry never was one."""
    return person.is_resident or (state(person) in STATES and person.removal.reason_code != NEVER_RESIDENT)


def notice_address(person) -> str | None:
    """地方税法 20条: at the address; after a move at the new one, as it was confirmed, else as it was planned."""
    new = (confirmed(person) or planned(person)) if state(person) == MOVED_OUT else None
    here = (person.address.prefecture, person.address.city, person.address.town, person.address.lot)
    return new or joined(*here, person.address.building)


def notice_postal_code(person) -> str | None:
    """地方税法 20条. That of a planned address is not reported."""
    return person.move_out.postal_code if state(person) == MOVED_OUT else person.address.postal_code


def outside_address(addressee) -> str | None:
    """地方税法 20条: where the addressee asked for letters, else the address."""
    here = (addressee.address.prefecture, addressee.address.city, addressee.address.town, addressee.address.lot)
    return addressee.mailing.address or joined(*here, addressee.address.building)


def outside_postal_code(addressee) -> str | None:
    """地方税法 20条: of the same place."""
    return addressee.mailing.postal_code if addressee.mailing.address else addressee.address.postal_code


def is_dead_or_another(addressee) -> bool:
    """地方税法 9条: the duty goes to the heirs; or what is owed stands under another number now."""
    return addressee.died_on is not None or addressee.merged_into is not None


def is_ours(payment) -> bool:
    """道路運送車両法 97条の2: only what was paid of this department's own assessments."""
    return payment.system == "keiji_zei"


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
