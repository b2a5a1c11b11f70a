"""What may each reason do, and to whom? One function per reason; a refusal has a code, and nothing was changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from bus.dates import Uncertain
from bus.errors import Reject
from bus.movement.act import DEAD, Act
from bus.movement.household import (
    destination,
    leave,
    place,
    residents,
    setai_bunri,
    setai_gappei,
    setainushi_henko,
    tenkyo,
)

_ALWAYS: Final = ("movement.", "unknown.", "control.")
_OWN: Final = ("is_resident", "state", "history.", "household.no", "household.head_name", "protection.")
_LONGEST_NOTICE: Final = timedelta(days=366)

# reason -> what `set` may hold besides _ALWAYS; nothing listed: all but _OWN
_MAY_SET: Final[dict[str, tuple[str, ...]]] = {
    "SHIBO": ("removal.",),
    "TENKYO": ("address.", "household.", "foreign.address_notified"),
    "TENSHUTSU_TODOKE": ("move_out.notified_on", "move_out.planned_"),
    "TENSHUTSU": ("removal.", "move_out."),
    "TENSHUTSU_KAKUTEI": ("move_out.",),
    "SETAINUSHI_HENKO": ("household.",),
    "SETAI_BUNRI": ("household.",),
    "SETAI_GAPPEI": ("household.",),
    "SHIMEI_HENKO": ("name.", "honseki.head_"),
    "SHIEN_SOCHI_KAISHI": ("protection.",),
    "SHIEN_SOCHI_SHURYO": ("protection.",),
}


def check_fields(act: Act) -> None:
    reason = act.reason.reason
    allowed = _MAY_SET.get(reason)
    for values in act.given.values():
        for path in values:
            if reason.startswith("SETAI") and path.startswith("address."):
                raise Reject("an address cannot change in this act", code="ADDRESS_IN_HOUSEHOLD_CHANGE", where=path)
            own = path.startswith(_OWN) and not (reason.startswith("SHIEN") and path.startswith("protection."))
            if own or (allowed and not path.startswith((*allowed, *_ALWAYS))):
                raise Reject(f"{reason} does not set this field", code="FIELD_NOT_HERE", where=path)


def check_date(act: Act, effective: Uncertain) -> None:
    """R2: only a move-out may lie ahead; R4: only some dates may be uncertain."""
    if not effective.is_certain and not act.reason.uncertain and not (act.reason.annuls or act.reason.corrects):
        raise Reject("this date cannot be uncertain", code="UNCERTAIN_DATE", where="effective")
    limit = act.scene.today + (_LONGEST_NOTICE if act.reason.future else timedelta(0))
    if effective.earliest and effective.earliest > limit:
        raise Reject("only an announced move-out lies in the future", code="FUTURE_DATE", where="effective")


def check_life(act: Act, key: str, effective: Uncertain) -> None:
    birth, since = act.images[key]["birth"], act.images[key]["resident_since"]
    if is_before(effective, birth):
        raise Reject("before the person was born", code="BEFORE_BIRTH", where="effective")
    if act.reason.reason in ("SHIBO", "TENSHUTSU", "TENSHUTSU_TODOKE", "TENKYO") and is_before(effective, since):
        raise Reject("before the person became a resident", code="END_BEFORE_START", where="effective")


def is_before(one: Uncertain, other: Uncertain | None) -> bool:
    """Certainly before: whatever the two days were."""
    return bool(other and one.latest and other.earliest and one.latest < other.earliest)


# ── 記載 ──


def tennyu(act: Act) -> None:
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
    if (image["state"] or "").lstrip("0") == DEAD:
        raise Reject("the person is dead", code="DEAD", where="persons")
    for path in image:
        if path.startswith(("removal.", "move_out.", "previous.", "address.", "household.", "unknown.removal")):
            image[path] = None


def _settle(act: Act, key: str) -> None:
    image, effective = act.images[key], act.effective
    unknown = "0" if effective.is_certain else "1"
    image.update({"is_resident": True, "state": "1", "municipality_code": act.scene.town, "removal.closed": "0"})
    image.update({"address.municipality_code": act.scene.town, "address.since": effective})  # R3
    image.update({"resident_since": effective, "entry.date": effective, "entry.reason_code": act.reason.code})
    image.update({"unknown.resident_since": unknown, "unknown.address_since": unknown, "unknown.entry": unknown})
    image["resident_type"] = image["resident_type"] or "1"
    act.apply(key)


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


# ── 消除 ──


def shibo(act: Act) -> None:
    for key in residents(act):
        _remove(act, key, DEAD)  # the head of a household may be gone now: see movement.follow_heads


def tenshutsu(act: Act) -> None:
    leavers = residents(act)
    leave(act, leavers)
    for key in leavers:
        _remove(act, key, "2")


def _remove(act: Act, key: str, state: str) -> None:
    image = act.images[key]
    today, effective = Uncertain.on(act.scene.today), act.effective
    notified = image["move_out.notified_on"] if state != DEAD else None
    image.update({"is_resident": False, "state": state, "removal.reason_code": state, "removal.date": effective})
    image.update({"removal.notified_on": notified or today, "removal.closed": "1", "removal.archived_on": today})
    image["unknown.removal"] = "0" if effective.is_certain else "1"
    act.apply(key)


# ── 修正 ──


def shimei_henko(act: Act) -> None:
    for key in residents(act):
        if not any(
            act.images[key][path] != value for path, value in act.given[key].items() if path.startswith("name.")
        ):
            raise Reject("which name?", code="NOTHING_CHANGES", where="name")
        act.apply(key)


def tenshutsu_todoke(act: Act) -> None:
    for key in residents(act):
        image, given = act.images[key], act.given[key]
        if image["move_out.planned_on"] is not None:
            raise Reject("a move-out is announced already", code="ALREADY_ANNOUNCED", where="persons")
        image.update({"move_out.planned_on": act.effective, "move_out.notified_on": Uncertain.on(act.scene.today)})
        act.apply(key)
        planned = given.get("move_out.planned_on")
        if planned is not None:
            check_date(act, planned)


def tenshutsu_kakutei(act: Act) -> None:
    for key in act.given:
        image = act.person(key)
        if (image["state"] or "").lstrip("0") != "2" and image["move_out.planned_on"] is None:
            raise Reject("no move-out is known", code="NOT_ANNOUNCED", where="persons")
        image.update({"move_out.confirmed_on": act.effective, "move_out.notice_on": Uncertain.on(act.scene.today)})
        act.apply(key)


def shien_kaishi(act: Act) -> None:
    for key, given in act.given.items():
        image = act.person(key)
        image.update({"protection.level": "SHIEN", "protection.since": act.effective})
        image["protection.until"] = Uncertain.on(_a_year_from(act.when))
        act.apply(key)
        if given.get("protection.level", "SHIEN") not in ("KARI", "SHIEN"):
            raise Reject("KARI or SHIEN", code="FIELD_TYPE", where="protection.level")


def shien_shuryo(act: Act) -> None:
    for key in act.given:
        if act.person(key)["protection.level"] is None:
            raise Reject("the person is not protected", code="NOT_PROTECTED", where="persons")
        act.images[key].update({"protection.level": None, "protection.since": None, "protection.until": None})


def _a_year_from(start: date) -> date:
    """2020-04-01 → 2021-03-31 (domain 5.3)."""
    leap = (start.month, start.day) == (2, 29)
    return date(start.year + 1, 2, 28) if leap else start.replace(year=start.year + 1) - timedelta(days=1)


RULES: Final[dict[str, Callable[[Act], None]]] = {
    "TENNYU": tennyu,
    "SHUSSEI": shussei,
    "SHIBO": shibo,
    "TENKYO": tenkyo,
    "TENSHUTSU_TODOKE": tenshutsu_todoke,
    "TENSHUTSU": tenshutsu,
    "TENSHUTSU_KAKUTEI": tenshutsu_kakutei,
    "SETAINUSHI_HENKO": setainushi_henko,
    "SETAI_BUNRI": setai_bunri,
    "SETAI_GAPPEI": setai_gappei,
    "SHIMEI_HENKO": shimei_henko,
    "SHIEN_SOCHI_KAISHI": shien_kaishi,
    "SHIEN_SOCHI_SHURYO": shien_shuryo,
}
