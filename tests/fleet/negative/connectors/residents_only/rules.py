"""Whom does it concern? A mistake: residence turns back."""


def is_here(person) -> bool:
    return person.is_resident
