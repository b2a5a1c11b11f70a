"""Who is protected (支援措置), and whose record may not be touched without asking (抑止)?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from bus.dates import Uncertain
from bus.errors import Reject
from bus.movement.act import Act
from bus.movement.allowed import is_before

_MONTH: Final = timedelta(days=31)


def shien_kaishi(act: Act) -> None:
    for key, given in act.given.items():
        image = act.person(key)
        image.update({"protection.level": "SHIEN", "protection.since": act.effective})
        image["protection.until"] = Uncertain.on(_a_year_from(act.when))
        act.apply(key)
        if given.get("protection.level", "SHIEN") not in ("KARI", "SHIEN"):
            raise Reject("KARI or SHIEN", code="FIELD_TYPE", where="protection.level")


def shien_kari(act: Act) -> None:
    """From the application until it is decided; a measure that was granted elsewhere goes on as 仮 (domain 5.3)."""
    for key, given in act.given.items():
        image = act.person(key)
        if image["protection.level"] == "KARI":
            raise Reject("the person is protected so", code="ALREADY_PROTECTED", where="persons")
        if given.get("protection.level", "KARI") != "KARI":
            raise Reject("KARI is meant", code="FIELD_TYPE", where="protection.level")
        image.update({"protection.level": "KARI", "protection.since": act.effective, "protection.until": None})
        act.apply(key)


def shien_encho(act: Act) -> None:
    """A year from the day after the end, decided a month before it or later."""
    for key, given in act.given.items():
        image = act.person(key)
        if image["protection.level"] != "SHIEN":
            raise Reject("only a granted measure is extended", code="NOT_PROTECTED", where="persons")
        end = image["protection.until"] and image["protection.until"].latest
        if end and act.when < end - _MONTH:
            raise Reject("more than a month before the end", code="TOO_EARLY", where="effective")
        longer = _a_year_from(end + timedelta(days=1) if end else act.when)
        image["protection.until"] = given.get("protection.until") or Uncertain.on(longer)
        if end and is_before(image["protection.until"], Uncertain.on(end)):
            raise Reject("an extension does not shorten", code="END_BEFORE_START", where="protection.until")


def shien_shuryo(act: Act) -> None:
    for key in act.given:
        if act.person(key)["protection.level"] is None:
            raise Reject("the person is not protected", code="NOT_PROTECTED", where="persons")
        act.images[key].update({"protection.level": None, "protection.since": None, "protection.until": None})


def _a_year_from(start: date) -> date:
    """2020-04-01 → 2021-03-31 (domain 5.3)."""
    leap = (start.month, start.day) == (2, 29)
    return date(start.year + 1, 2, 28) if leap else start.replace(year=start.year + 1) - timedelta(days=1)


def yokushi_settei(act: Act) -> None:
    for key, given in act.given.items():
        image, level = act.person(key), given.get("suppression.level") or "ERROR"
        if level not in ("ERROR", "ALERT"):
            raise Reject("ERROR or ALERT", code="FIELD_TYPE", where="suppression.level")
        if image["suppression.level"] == level:
            raise Reject("it is set already", code="NOTHING_CHANGES", where="persons")
        image.update({"suppression.since": act.effective} | dict(given) | {"suppression.level": level})


def yokushi_kaijo(act: Act) -> None:
    for key in act.given:
        if act.person(key)["suppression.level"] is None:
            raise Reject("nothing is suppressed", code="NOT_SUPPRESSED", where="persons")
        act.images[key].update({"suppression.level": None, "suppression.since": None})
