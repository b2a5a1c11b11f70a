"""Who is here, by the code of the last act? A mistake: codes say what was done, not what is so."""

REMOVALS = ("S01", "S02", "S03", "S06", "K09")  # K09 was taken for one more removal


def came_or_moved(person) -> bool:
    code = person.movement.reason_code
    return code is not None and code not in REMOVALS
