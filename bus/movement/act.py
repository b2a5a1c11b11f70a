"""What is asked, what is known, and what has been decided so far? The working copy of one act on a household (R1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from bus.dates import Uncertain
from bus.errors import Reject
from bus.resident.codes import Reason, bare
from bus.resident.image import Flat, Shape, text, uncertain

_PLACE: Final = ("prefecture", "city", "town", "lot", "building")
_KEYS: Final = {"reason", "effective", "persons", "household", "change_set", "supersedes", "recorded"}
DEAD: Final = "3"


@dataclass(frozen=True, slots=True)
class Request:
    """One act as a clerk approved it (bus register enter)."""

    reason: str
    effective: Uncertain | None
    persons: Sequence[tuple[str | None, Mapping[str, Any]]]
    household: str | None = None
    change_set: str | None = None
    supersedes: str | None = None
    recorded: datetime | None = None
    versions: Mapping[str, int] = field(default_factory=dict)  # of persons who must not have changed since

    @classmethod
    def parse(cls, given: Any, shape: Shape) -> Request:
        """Everything in it is checked against the image; nothing is guessed. Raises Reject naming the field."""
        if not isinstance(given, Mapping) or set(given) - _KEYS:
            raise Reject("a request has " + ", ".join(sorted(_KEYS)), code="REQUEST")
        for name in ("household", "change_set", "supersedes", "recorded"):
            if not isinstance(given.get(name), str | datetime | None):
                raise Reject("must be a text or null", code="REQUEST", where=name)
        effective = given.get("effective")
        return cls(
            reason=str(given.get("reason")),
            effective=None if effective in (None, "") else uncertain(effective, "effective"),
            persons=tuple(_persons(given.get("persons") or (), shape)),
            household=given.get("household") and text(given["household"], "household"),
            change_set=given.get("change_set") and text(given["change_set"], "change_set"),
            supersedes=given.get("supersedes"),
            recorded=_instant(given.get("recorded")),
            versions=dict(_versions(given.get("persons") or ())),
        )


def _persons(given: Any, shape: Shape) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    seen = set()
    for person in given:
        if isinstance(person, str):
            person = {"key": person}
        if not isinstance(person, Mapping) or set(person) - {"key", "set", "version"}:
            raise Reject("a person is {key, set, version}", code="REQUEST", where="persons")
        key, values = person.get("key"), person.get("set") or {}
        if not isinstance(key, str | None) or not isinstance(values, Mapping):
            raise Reject("a person is {key, set}", code="REQUEST", where="persons")
        if key is not None and key in seen:
            raise Reject("a person is listed twice", code="DUPLICATE_KEY", where="persons")
        seen.add(key)
        yield key, {path: shape.value(path, value) for path, value in values.items()}


def _versions(persons: Any) -> Iterator[tuple[str, int]]:
    for person in persons:
        version = person.get("version") if isinstance(person, Mapping) else None
        if version is None:
            continue
        if not isinstance(version, int) or isinstance(version, bool) or person.get("key") is None:
            raise Reject("a version is a number, of a person who is known", code="REQUEST", where="persons")
        yield person["key"], version


def _instant(given: str | datetime | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        raise Reject("an instant is RFC 3339", code="REQUEST", where="recorded") from None
    if moment is not None and moment.tzinfo is None:
        raise Reject("an instant has an offset from UTC", code="REQUEST", where="recorded")
    return moment


class Person(NamedTuple):
    """Somebody as the register has them now, locked."""

    key: str
    version: int
    image: Flat
    recorded: datetime


class Past(NamedTuple):
    """One version of somebody, with the image before it."""

    id: str
    kind: str
    reason: str
    effective: Uncertain
    supersedes: str | None
    change_set: str | None
    before: Flat | None
    after: Flat


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a decision may depend on: nothing else is asked for later."""

    today: date
    town: str
    persons: Mapping[str, Person]  # all members of every household concerned, and whoever is named
    pasts: Mapping[str, Sequence[Past]] = field(
        default_factory=dict
    )  # of those whom a correction or annulment concerns
    households: frozenset[str] = frozenset()  # numbers that exist
    keys: Sequence[str] = ()  # numbers for newcomers, drawn beforehand
    household: str = ""  # … and for a new household


class Act:
    def __init__(self, request: Request, scene: Scene, reason: Reason, shape: Shape) -> None:
        self.request, self.scene, self.reason, self.shape = request, scene, reason, shape
        self.images: dict[str, Flat] = {key: dict(person.image) for key, person in scene.persons.items()}
        self.given: dict[str, Mapping[str, Any]] = {}  # whom the request names, in its order; newcomers have their keys
        self.derived: dict[str, str] = {}  # whose image merely follows -> their own reason
        self.supersedes: dict[str, str] = {}
        self.undoes: dict[str, tuple[str, ...]] = {}
        self.effectives: dict[str, Uncertain] = {}
        self.codes: dict[str, str] = {}  # whose official 異動事由 is not the one of the reason
        fresh = iter(scene.keys)
        for key, values in request.persons:
            self.given[next(fresh) if key is None else key] = values

    @property
    def effective(self) -> Uncertain:
        if self.request.effective is None:
            raise Reject("since when?", code="NO_EFFECTIVE", where="effective")
        return self.request.effective

    @property
    def when(self) -> date:
        """The day of an act whose date is certain."""
        return self.effective.earliest or self.scene.today

    def person(self, key: str) -> Flat:
        if key not in self.scene.persons:
            raise Reject("nobody has this key", code="UNKNOWN_PERSON", where="persons")
        return self.images[key]

    def members(self, household: str | None, *, before: bool = False) -> list[str]:
        """Residents of a household, in key order; before this act, or as decided so far."""
        images = {k: p.image for k, p in self.scene.persons.items()} if before else self.images
        return sorted(k for k, i in images.items() if household and i["is_resident"] and i["household.no"] == household)

    def head(self, household: str | None, *, before: bool = False) -> str | None:
        images = {k: p.image for k, p in self.scene.persons.items()} if before else self.images
        return next((k for k in self.members(household, before=before) if is_head(images[k])), None)

    def apply(self, key: str) -> None:
        self.images[key].update(self.given[key])

    def make_head(self, key: str) -> None:
        self.images[key].update({"household.relation_code": "02", "household.relation": "世帯主"})
        for path in ("household.relation_code_2", "household.relation_code_3", "household.relation_code_4"):
            self.images[key][path] = None

    def follow(self, key: str, reason: str) -> None:
        if key not in self.given:
            self.derived.setdefault(key, reason)


def is_head(image: Mapping[str, Any]) -> bool:
    return bare(image["household.relation_code"]) == "2"


def is_foreign(image: Mapping[str, Any]) -> bool:
    return bare(image["resident_type"]) == "2"


def official(reason: Reason, image: Mapping[str, Any]) -> str:
    """The official 異動事由: another one for who comes from, or goes to, another country."""
    return reason.abroad if reason.abroad and _is_abroad(reason, image) else reason.code


def _is_abroad(reason: Reason, image: Mapping[str, Any]) -> bool:
    """A place with a name and no code of Japan's; of a foreigner who moves in, also none at all (domain 3.5, K02)."""
    arrives = reason.group == "記載"
    ways = ("previous.",) if arrives else ("move_out.", "move_out.planned_")
    if any(image[f"{way}municipality_code"] for way in ways):
        return False
    return any(image[way + part] for way in ways for part in _PLACE) or (arrives and is_foreign(image))
