"""What does a protected person's record hide (支援措置, domain 5.3)? Pure; whatever is in doubt is protected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bus.contract.grant import protected_paths

LEVEL: Final = "protection.level"

# Not an address, but it says that there is a new one, or since when: the record of a protected person who moves has to
# look like that of one who does not (reliability I9). What happened legally is in the envelope of what may be heard.
DERIVED: Final = frozenset(
    {
        "address.since",
        "unknown.address_since",
        "movement.date",
        "movement.notified_on",
        "movement.notice_no",
        "movement.reason_code",
        "movement.class_code",
        "movement.notice_date",
        "movement.entry_type",
        "movement.processed_on",
        "unknown.movement",
    }
)


def hides(image_schema: dict[str, Any]) -> frozenset[str]:
    """The paths of an image that nobody without an exemption may hear about a protected person."""
    return protected_paths(image_schema) | DERIVED


def is_protected(level: Any) -> bool:
    """Only a blank level is unprotected; every other value is, also one that nobody knows yet.

    The end date of a measure changes nothing: it ends by request or decision, which is a version of its own.
    """
    return level is not None


def protects(image: Mapping[str, Any], *, hiding: bool = True) -> bool:
    """The same of a nested image; one that does not say is protected, unless its schema hides nothing."""
    try:
        return is_protected(image["protection"]["level"])
    except (KeyError, TypeError):
        return hiding


def is_hidden(path: str, hidden: Iterable[str]) -> bool:
    """A part of a hidden value (`address.since.text`) is hidden with it."""
    return any(path == each or path.startswith(each + ".") for each in hidden)
