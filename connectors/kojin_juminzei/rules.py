"""Who has an entry among the taxpayers, where do notices go, and of whom do other departments speak?"""

from datetime import date

from bus import attains, certain

STATES = ("1", "2", "3", "9")  # 住民状態: resident, moved out, dead, otherwise struck off
MOVED_OUT = "2"
NEVER_RESIDENT = "S09"  # 異動の取消し（減）: the entry itself was undone
CORPORATION = "2"


def has_been_resident(person) -> bool:
    """地方税法 294条: taxed is who has an address here; the duty outlasts it. An undone entry never was one."""
    return person.is_resident or (state(person) in STATES and person.removal.reason_code != NEVER_RESIDENT)


def leaves_the_country(person) -> bool:
    """地方税法 300条: to a place with a name but no code of Japan's. A hidden place says nothing."""
    code = person.move_out.municipality_code or person.move_out.planned_municipality_code
    return not code and bool(confirmed(person) or planned(person))


def notice_address(person) -> str | None:
    """地方税法 20条: at the address; after a move at the new one, as it was confirmed, else as it was planned."""
    new = (confirmed(person) or planned(person)) if state(person) == MOVED_OUT else None
    here = (person.address.prefecture, person.address.city, person.address.town, person.address.lot)
    return new or joined(*here, person.address.building)


def notice_postal_code(person) -> str | None:
    """Of the address of notices; that of a planned address is not reported."""
    if state(person) != MOVED_OUT:
        return person.address.postal_code
    return person.move_out.postal_code


def is_minor(person, on: date, law) -> bool:
    """地方税法 295条1項2号: who has not come of age (民法 4条) by the tax date; the age was lowered in 2022."""
    return certain(person.birth, lambda born: attains(born, law.kojin_juminzei.adult_age) > on)


def is_individual(addressee) -> bool:
    """地方税法 294条1項1号・2号; corporations are another tax's. Whose kind is not written counts as a person.

    Asked here and not by `concerns`: a kind that was wrong is corrected, and what was asked has to be taken back.
    """
    return addressee.kind != CORPORATION


def is_outside_taxpayer(addressee) -> bool:
    """地方税法 294条3項, 1項2号: as long as the record stands."""
    return addressee.active and is_individual(addressee)


def outside_address(addressee) -> str | None:
    """地方税法 20条: where the addressee asked for letters, else the address."""
    here = (addressee.address.prefecture, addressee.address.city, addressee.address.town, addressee.address.lot)
    return addressee.mailing.address or joined(*here, addressee.address.building)


def outside_postal_code(addressee) -> str | None:
    """Of the address of notices."""
    return addressee.mailing.postal_code if addressee.mailing.address else addressee.address.postal_code


def is_dead_or_another(addressee) -> bool:
    """地方税法 9条: the duty goes to the heirs; or what is owed stands under another number now."""
    return is_individual(addressee) and (addressee.died_on is not None or addressee.merged_into is not None)


def is_ours(payment) -> bool:
    """収滞納: only what was paid of this department's own assessments."""
    return payment.system == "kojin_juminzei"


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
