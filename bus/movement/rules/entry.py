"""How does somebody come onto the register: by moving in, by birth, ex officio?"""

from __future__ import annotations

from bus.errors import Reject
from bus.movement.act import DEAD, Act, official
from bus.movement.household import destination, place
from bus.resident.codes import bare


def moving_in(act: Act) -> None:
    """転入, and 職権記載 of who should have been here: a newcomer, or a former resident under the same key (R8)."""
    for key in act.given:
        if key in act.scene.persons:
            _come_back(act, key)
        elif key in act.scene.keys:
            act.images[key] = act.shape.blank()
        else:
            raise Reject("nobody has this key", code="UNKNOWN_PERSON", where="persons")
        _settle(act, key)
        if act.images[key]["birth"] is None:
            raise Reject("a birth date, or how it is unknown, is needed", code="FIELD_MISSING", where="birth")
    place(act, list(act.given), destination(act))


def _come_back(act: Act, key: str) -> None:
    """R8: the same key; what was said of the earlier residence and its end is history now."""
    image = act.images[key]
    if image["is_resident"]:
        raise Reject("the person is a resident", code="ALREADY_RESIDENT", where="persons")
    if bare(image["state"]) == DEAD:
        raise Reject("the person is dead", code="DEAD", where="persons")
    for path in image:
        if path.startswith(("removal.", "move_out.", "previous.", "address.", "household.", "unknown.removal")):
            image[path] = None


def _settle(act: Act, key: str) -> None:
    image, effective = act.images[key], act.effective
    unknown = "0" if effective.is_certain else "1"
    image.update({"is_resident": True, "state": "1", "municipality_code": act.scene.town, "removal.closed": "0"})
    image.update({"address.municipality_code": act.scene.town, "address.since": effective})  # R3
    image.update({"resident_since": effective, "entry.date": effective})
    image.update({"unknown.resident_since": unknown, "unknown.address_since": unknown, "unknown.entry": unknown})
    image["resident_type"] = image["resident_type"] or "1"
    image["entry.reason_code"] = None
    act.apply(key)
    image["entry.reason_code"] = image["entry.reason_code"] or official(act.reason, image)


def shussei(act: Act) -> None:
    household = act.request.household
    for key, values in act.given.items():
        if key in act.scene.persons or key not in act.scene.keys:
            raise Reject("a new-born has no key yet", code="ALREADY_RESIDENT", where="persons")
        act.images[key] = act.shape.blank()
        family = act.members(household)
        if not family or household not in act.scene.households:
            raise Reject("a new-born joins a household", code="UNKNOWN_HOUSEHOLD", where="household")
        example = act.images[act.head(household) or family[0]]
        act.images[key].update({path: value for path, value in example.items() if path.startswith("address.")})
        act.images[key].update({"birth": act.effective, "household.relation_code": "20", "household.relation": "子"})
        act.images[key]["unknown.birth"] = "0" if act.effective.is_certain else "1"
        _settle(act, key)
        if "household.relation_code" in values and "household.relation" not in values:
            act.images[key]["household.relation"] = None
    place(act, list(act.given), str(household), keep_relation=True)
