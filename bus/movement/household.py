"""Who lives with whom, and who is the head? Moves between households, under the head rules of R1."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from bus.errors import Reject
from bus.movement.act import DEAD, Act, is_head
from bus.resident.codes import bare

_ADDRESS: Final = ("town", "town_code", "lot", "building", "postal_code", "district")
_FORMER: Final = ("municipality_code", "town_code", "prefecture", "city", "town", "lot", "postal_code", "building")
_RELATION: Final = ("relation_code", "relation", "relation_code_2", "relation_code_3", "relation_code_4")


def resident(act: Act, key: str) -> None:
    image = act.person(key)
    if bare(image["state"]) == DEAD:
        code = "ALREADY_DEAD" if act.reason.reason == "SHIBO" else "DEAD"
        raise Reject("the person is dead", code=code, where="persons")
    if not image["is_resident"]:
        raise Reject("the person is not a resident", code="NOT_RESIDENT", where="persons")


def residents(act: Act) -> list[str]:
    for key in act.given:
        resident(act, key)
    return list(act.given)


def place(act: Act, keys: list[str], household: str, *, keep_relation: bool = False) -> None:
    """Into a household, which keeps its head or gets exactly one."""
    old = {key: act.scene.persons[key].image["household.no"] for key in keys if key in act.scene.persons}
    along = {no for no in old.values() if act.head(no, before=True) in keys}
    settled = [key for key in act.members(household) if key not in keys]
    for order, key in enumerate(keys, len(settled) + 1):
        image, given = act.images[key], act.given[key]
        if not keep_relation and "household.relation_code" not in given and old.get(key) not in along:
            image.update({f"household.{name}": None for name in _RELATION})
        image["household.no"] = household
        if "household.order" not in given:
            image["household.order"] = str(order)
    heads = [key for key in act.members(household) if is_head(act.images[key])]
    if len(heads) > 1:
        raise Reject("a household has one head", code="TWO_HEADS", where="household.relation_code")
    if not heads and not settled:
        if len(keys) > 1:
            raise Reject("who is the head of the new household?", code="HEAD_MISSING", where="household.relation_code")
        heads = keys
        act.make_head(keys[0])
    name = act.images[heads[0]]["name.full"] if heads else None
    for key in keys:
        act.images[key]["household.head_name"] = name


def destination(act: Act) -> str:
    wanted = act.request.household
    if wanted in (None, "new"):
        return act.scene.household
    if wanted not in act.scene.households:
        raise Reject("there is no such household", code="UNKNOWN_HOUSEHOLD", where="household")
    return str(wanted)


def leave(act: Act, leavers: Collection[str]) -> None:
    """R1: one who is left alone becomes the head in the same act; two or more choose a head first."""
    for household in sorted({str(act.images[key]["household.no"]) for key in leavers}):
        staying = [key for key in act.members(household) if key not in leavers]
        head = act.head(household)
        if staying and head is not None and head in leavers:
            if len(staying) > 1:
                raise Reject("the household needs another head first", code="HEAD_FIRST", where="persons")
            act.make_head(staying[0])
            act.follow(staying[0], "SETAINUSHI_HENKO")


def tenkyo(act: Act) -> None:
    movers, address = residents(act), _new_address(act)
    whole = _settle_elsewhere(act, movers, address)
    if act.request.household is not None or not whole:
        place(act, movers, destination(act))


def kukan_ido(act: Act) -> None:
    """A ward is a city here: a new 世帯番号, and where they lived is where they came from. They stay residents."""
    movers, address = residents(act), _new_address(act)
    ward = address.get("address.municipality_code")
    if ward is None or any(act.images[key]["address.municipality_code"] == ward for key in movers):
        raise Reject("to which other ward?", code="NOT_ANOTHER_WARD", where="address.municipality_code")
    former = {key: {name: act.images[key][f"address.{name}"] for name in _FORMER} for key in movers}
    _settle_elsewhere(act, movers, address)
    for key in movers:
        act.images[key].update({f"previous.{name}": value for name, value in former[key].items()})
    household = destination(act)
    if any(act.images[key]["household.no"] == household for key in movers):
        raise Reject("a household does not span wards", code="UNKNOWN_HOUSEHOLD", where="household")
    place(act, movers, household)


def _new_address(act: Act) -> Mapping[str, Any]:
    address = next((v for v in act.given.values() if any(p.startswith("address.") for p in v)), None)
    if address is None:
        raise Reject("where to?", code="FIELD_MISSING", where="address")
    return address


def _settle_elsewhere(act: Act, movers: list[str], address: Mapping[str, Any]) -> bool:
    """The new address is written; did whole households move?"""
    whole = all(set(act.members(act.images[key]["household.no"])) <= set(movers) for key in movers)
    if not whole:
        leave(act, movers)
    for key in movers:
        act.images[key].update({f"address.{name}": None for name in _ADDRESS})  # a new address is given as a whole
        act.images[key].update({path: value for path, value in address.items() if path.startswith("address.")})
        act.images[key]["address.since"] = act.effective
        act.images[key]["unknown.address_since"] = "0" if act.effective.is_certain else "1"
        act.apply(key)
    return whole


def setai_bunri(act: Act) -> None:
    leavers = residents(act)
    households = {act.images[key]["household.no"] for key in leavers}
    if len(households) != 1 or set(act.members(*households)) <= set(leavers):
        raise Reject("some, not all, members of one household leave it", code="NO_SPLIT", where="persons")
    leave(act, leavers)
    for key in leavers:
        act.apply(key)
    place(act, leavers, act.scene.household)


def setai_gappei(act: Act) -> None:
    joiners, household = residents(act), destination(act)
    hosts = [key for key in act.members(household) if key not in joiners]
    if not hosts or any(act.images[key]["household.no"] == household for key in joiners):
        raise Reject("join which other household?", code="UNKNOWN_HOUSEHOLD", where="household")
    for key in joiners:
        if any(
            act.images[key][f"address.{n}"] != act.images[hosts[0]][f"address.{n}"] for n in ("town", "lot", "building")
        ):
            raise Reject("they do not live together", code="ADDRESS_IN_HOUSEHOLD_CHANGE", where="household")
    leave(act, joiners)
    for key in joiners:
        act.apply(key)
    place(act, joiners, household)


def setai_henko(act: Act) -> None:
    movers = residents(act)
    households = {act.images[key]["household.no"] for key in movers}
    if len(households) != 1 or set(act.members(*households)) <= set(movers):
        raise Reject("some, not all, members of one household join another", code="NO_SPLIT", where="persons")
    setai_gappei(act)


def keep_heads(act: Act) -> None:
    """For acts that may set a relation, and are not about who is the head."""
    for key in act.given:
        if is_head(act.images[key]) != is_head(act.scene.persons[key].image):
            raise Reject("another head is an act of its own", code="HEAD_CHANGES", where="household.relation_code")


def setainushi_henko(act: Act) -> None:
    named = residents(act)
    households = {act.images[key]["household.no"] for key in named}
    if len(households) != 1:
        raise Reject("one household at a time", code="UNKNOWN_HOUSEHOLD", where="persons")
    household = households.pop()
    former = act.head(household)
    for key in named:
        act.apply(key)
    heads = [key for key in named if is_head(act.images[key])]
    if not heads and len(named) == 1:
        heads = named
    if len(heads) != 1 or heads[0] == former:
        raise Reject("who becomes the head?", code="HEAD_MISSING", where="household.relation_code")
    act.make_head(heads[0])
    if former is not None and (former not in named or is_head(act.images[former])):
        raise Reject(
            "what is the former head to the new one?", code="RELATION_MISSING", where="household.relation_code"
        )
