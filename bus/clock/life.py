"""When did a person live here, as it is known now, and which dates of theirs does the calendar follow? Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from bus.dates import Uncertain, day
from bus.resident.codes import bare

_FOUND = ("IKO",)  # the register as it was found: what was before is not for us to say
_ANNUL = "ANNUL"


class Version(NamedTuple):
    """What one version says about where somebody lives."""

    kind: str
    reason: str
    recorded: datetime
    effective: Uncertain
    image: Mapping[str, Any]  # flat: path -> value


class Stay(NamedTuple):
    """From the day on which somebody lived here, to that on which no longer (not included; None: still here)."""

    since: date
    until: date | None
    heard: date  # the day on which the register said so first
    floor: date = date.min  # not counted before this day, whatever is found out

    def includes(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


class Life(NamedTuple):
    stays: tuple[Stay, ...]
    born: Uncertain | None = None
    foreign: bool = False
    in_transit: bool = False
    permit_until: Uncertain | None = None
    foreign_since: Uncertain | None = None


def life(versions: Iterable[Version], transits: Collection[str]) -> Life:
    """All versions of one person, in order."""
    told = list(versions)
    image = told[-1].image
    article = bare(image["foreign.article_30_45"])
    foreign = bare(image["resident_type"]) == "2"
    return Life(
        stays=stays(told),
        born=image["birth"],
        foreign=foreign,
        in_transit=foreign and article in transits,
        permit_until=image["foreign.expires_on"],
        foreign_since=image["foreign.since"],
    )


def stays(versions: Iterable[Version]) -> tuple[Stay, ...]:
    """An annulled departure never ended a stay, an annulled arrival never began one."""
    found: list[Stay] = []
    here = False
    for one in versions:
        if _lives(one.image):
            _here(found, one, began=not here)
            here = True
        elif here:
            _gone(found, one)
            here = False
        elif found and one.image["removal.date"] is not None:
            found[-1] = found[-1]._replace(until=_end(one))  # the day turned out to be another
    return tuple(found)


def _lives(image: Mapping[str, Any]) -> bool:
    """Who was found to be somebody else is that person from then on."""
    return bool(image["is_resident"]) and image.get("identity.merged_into") is None


def _here(found: list[Stay], one: Version, *, began: bool) -> None:
    heard = day(one.recorded)
    if began and not (found and one.kind == _ANNUL):
        is_known = one.reason in _FOUND or one.kind == "IDENTITY"
        found.append(Stay(date.max, None, heard, heard + timedelta(days=1) if is_known else date.min))
    stay = found[-1]
    given = one.image["resident_since"]
    since = given.earliest if given and given.earliest else stay.heard
    found[-1] = stay._replace(since=max(since, stay.floor), until=None)


def _gone(found: list[Stay], one: Version) -> None:
    if one.kind == _ANNUL:
        found.pop()
    else:
        found[-1] = found[-1]._replace(until=_end(one))


def _end(one: Version) -> date:
    """The last possible day: what may have been right is not taken back."""
    heard = day(one.recorded)
    for when in (one.image["removal.date"], one.effective):
        if when is not None and when.latest is not None:
            return when.latest if when.is_certain else min(when.latest, heard)
    return heard
