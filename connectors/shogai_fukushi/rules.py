"""Who has moved away and may stay ours, and where are people outside written to?"""

MOVED_OUT = "2"  # 住民状態 転出者
CORPORATION = "2"


def has_moved_out(person) -> bool:
    """障害者総合支援法 19条3項. Written as 2 or as 02, as the register came by it."""
    return (person.state or "").lstrip("0") == MOVED_OUT


def new_address(person) -> str | None:
    """As it was confirmed, else as it was planned; nothing is known of a protected person's."""
    where = (person.move_out.prefecture, person.move_out.city, person.move_out.town, person.move_out.lot)
    plan = (person.move_out.planned_prefecture, person.move_out.planned_city, person.move_out.planned_town)
    planned = joined(*plan, person.move_out.planned_lot, person.move_out.planned_building)
    return joined(*where, person.move_out.building) or planned


def is_individual(addressee) -> bool:
    """障害者総合支援法 4条: a person or the guardian of one. Whose kind is not written counts as a person."""
    return (addressee.kind or "").lstrip("0") != CORPORATION


def home_address(addressee) -> str | None:
    where = (addressee.address.prefecture, addressee.address.city, addressee.address.town, addressee.address.lot)
    return joined(*where, addressee.address.building)


def joined(*parts: str | None) -> str | None:
    return "".join(part for part in parts if part) or None
