"""Who has left? A mistake: an entry that is undone is closed like any other sheet."""


def was_struck_off(person) -> bool:
    return not person.is_resident and person.removal.reason_code is not None
