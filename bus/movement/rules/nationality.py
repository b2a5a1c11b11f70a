"""Who becomes a Japanese, who a foreigner, and what do foreign residents' sheets say besides?"""

from __future__ import annotations

from typing import Final

from bus.errors import Reject
from bus.movement.act import Act, is_foreign
from bus.movement.household import residents
from bus.movement.rules.names import amend, erase, record

JAPANESE: Final = "1"
FOREIGN: Final = "2"


def kika(act: Act) -> None:
    """K04 and S04 in one: the foreigner's sheet is closed, the Japanese one opened, under the same key."""
    _foreigners(act)
    for key in residents(act):
        image = act.images[key]
        _blank(act, key, "foreign.", "name.roman", "name.common", "unknown.foreign_since")
        image["resident_type"] = JAPANESE
        act.apply(key)
        for path in ("name.full", "honseki.full"):
            if act.given[key].get(path) is None:
                raise Reject("a new sheet has a name and a 本籍", code="FIELD_MISSING", where=path)


def kokuseki_soshitsu(act: Act) -> None:
    """K05 and S05 in one. R6: a foreigner's birth date is kept without an era."""
    for key in residents(act):
        image, given = act.images[key], act.given[key]
        if is_foreign(image):
            raise Reject("of Japanese only", code="NOT_JAPANESE", where="resident_type")
        if given.get("foreign.country") is None and given.get("foreign.country_code") is None:
            raise Reject("of which country now?", code="FIELD_MISSING", where="foreign.country")
        _blank(act, key, "honseki.", "name.old_family", "birth_era")
        image.update({"resident_type": FOREIGN, "foreign.since": act.effective, "unknown.foreign_since": "0"})
        act.apply(key)


def zairyu_henko(act: Act) -> None:
    _foreigners(act)
    amend(act)


def tsusho_kisai(act: Act) -> None:
    _foreigners(act)
    record(act, "name.common")


def tsusho_sakujo(act: Act) -> None:
    erase(act, "name.common")


def _foreigners(act: Act) -> None:
    if not all(is_foreign(act.images[key]) for key in residents(act)):
        raise Reject("of foreigners only", code="NOT_FOREIGN", where="resident_type")


def _blank(act: Act, key: str, *starts: str) -> None:
    act.images[key].update({path: None for path in act.images[key] if path.startswith(starts)})
