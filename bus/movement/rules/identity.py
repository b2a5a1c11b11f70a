"""When are two records one person, or one record to have another key? Kind IDENTITY, on both records (domain D9)."""

from __future__ import annotations

from typing import Any, Final

from bus.dates import Uncertain
from bus.errors import Reject
from bus.movement.act import Act
from bus.movement.household import leave

CLOSED: Final = "9"
_STRUCK_OFF: Final = "S06"  # 職権消除
# Whoever is not a resident gets these as a whole from the record that is; of all else, what it says.
_PLACE: Final = (
    "is_resident", "state", "resident_since", "resident_type", "municipality_code", "address.", "household.",
    "entry.", "removal.", "move_out.", "previous.", "unknown.", "foreign.",
)  # fmt: skip
_OWN: Final = ("history.", "identity.", "protection.", "suppression.")
_STRENGTH: Final[dict[str | None, int]] = {None: 0, "KARI": 1, "SHIEN": 2, "ALERT": 1, "ERROR": 2}


def togo(act: Act) -> None:
    """The first stays. It takes over residence if it has none, and the stronger protection in any case."""
    if len(act.given) != 2:
        raise Reject("two records: the one that stays, and the other", code="TWO_RECORDS", where="persons")
    survivor, dead = act.given
    image, gone = act.person(survivor), act.person(dead)
    if act.given[dead]:
        raise Reject("nothing is set on a record that ends", code="FIELD_NOT_HERE", where="persons")
    if gone["is_resident"] and not image["is_resident"]:
        image.update({path: value for path, value in gone.items() if _comes_along(path, value)})
    elif gone["is_resident"]:
        leave(act, [dead])
    for group in ("protection", "suppression"):
        _keep_the_stronger(image, gone, group)
    _close(act, dead, survivor)
    act.apply(survivor)


def fuban_kae(act: Act) -> None:
    """The same record under a new key, in the same place."""
    old = [key for key in act.given if key in act.scene.persons]
    new = [key for key in act.given if key in act.scene.keys]
    if len(old) != 1 or len(new) != 1 or len(act.given) != 2:
        raise Reject("a record, and null for its new key", code="TWO_RECORDS", where="persons")
    act.images[new[0]] = dict(act.images[old[0]])
    _close(act, old[0], new[0])


def _comes_along(path: str, value: Any) -> bool:
    return not path.startswith(_OWN) and (path.startswith(_PLACE) or value is not None)


def _keep_the_stronger(image: dict[str, Any], gone: dict[str, Any], group: str) -> None:
    """Fail closed: what nobody knows is stronger than anything that is known."""
    if _STRENGTH.get(gone[f"{group}.level"], 3) > _STRENGTH.get(image[f"{group}.level"], 3):
        image.update({path: value for path, value in gone.items() if path.startswith(f"{group}.")})


def _close(act: Act, dead: str, survivor: str) -> None:
    image, today = act.images[dead], Uncertain.on(act.scene.today)
    if image["is_resident"]:
        image.update({"removal.reason_code": _STRUCK_OFF, "removal.date": act.effective, "unknown.removal": "0"})
        image.update({"removal.notified_on": today, "removal.closed": "1", "removal.archived_on": today})
    image.update({"is_resident": False, "state": CLOSED})
    image.update({"identity.merged_into": survivor, "identity.merged_on": act.effective})
    act.codes[dead] = _STRUCK_OFF
