"""Which systems has a city, and what flows between them? schemas/flows.yaml, checked to the last key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from bus.topology.reading import Place, Reading

_FLOW: Final = re.compile(r"[FX][0-9]{2}")


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    name_ja: str
    name_en: str


@dataclass(frozen=True, slots=True)
class System:
    id: str
    group: str
    name_ja: str
    name_en: str
    lines_ja: tuple[str, ...]  # where the name breaks on a drawing


class Pair(NamedTuple):
    """An interface that a city without a bus would have to build."""

    producer: str
    consumer: str


@dataclass(frozen=True, slots=True)
class Carry:
    """One contract in place of the arrows from its producer to everybody who hears it."""

    entity: str
    producer: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    id: str
    name_ja: str
    name_en: str
    note_ja: str
    note_en: str
    carries: tuple[Carry, ...]

    def pairs(self) -> Mapping[Pair, tuple[str, ...]]:
        """With the entities each of them needs."""
        found: dict[Pair, tuple[str, ...]] = {}
        for carry in self.carries:
            for consumer in carry.to:
                pair = Pair(carry.producer, consumer)
                found[pair] = (*found.get(pair, ()), carry.entity)
        return found


@dataclass(frozen=True, slots=True)
class Flows:
    groups: Mapping[str, Group]
    systems: Mapping[str, System]
    figure: tuple[Flow, ...]
    further: tuple[Flow, ...]  # needed in practice, though the figure leaves them out

    def __iter__(self) -> Iterator[Flow]:
        yield from self.figure
        yield from self.further

    def heard(self, consumer: str) -> tuple[str, ...]:
        return _once(carry.entity for flow in self for carry in flow.carries if consumer in carry.to)

    def published(self, producer: str) -> tuple[str, ...]:
        return _once(carry.entity for flow in self for carry in flow.carries if carry.producer == producer)


def _once(entities: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entities))


def load(path: Path) -> Flows:
    """Raises Misconfigured with every mistake, each as file:line."""
    reading = Reading(path)
    known = {"groups": True, "systems": True, "flows": True, "further": False}
    root = reading.fields(reading.root(), "the file", known)
    groups = {name: _group(reading, name, at) for name, at in _entries(reading, root.get("groups"), "groups").items()}
    systems = {
        name: _system(reading, name, at, groups)
        for name, at in _entries(reading, root.get("systems"), "systems").items()
    }
    figure, further = (
        tuple(_flow(reading, name, at, letter, systems) for name, at in _entries(reading, root.get(key), key).items())
        for key, letter in (("flows", "F"), ("further", "X"))
    )
    reading.done()
    return Flows(groups, systems, figure, further)


def _entries(reading: Reading, at: Place | None, what: str) -> Mapping[str, Place]:
    if at is None:
        return {}
    if not isinstance(at.value, dict) or not at.value:
        reading.wrong(at, f"{what} must be a mapping, and not empty")
        return {}
    return at.value


def _group(reading: Reading, name: str, at: Place) -> Group:
    what = f"groups.{name}"
    found = reading.fields(at, what, {"name_ja": True, "name_en": True})
    return Group(name, *(reading.text(found.get(key), f"{what}.{key}") for key in ("name_ja", "name_en")))


def _system(reading: Reading, name: str, at: Place, groups: Mapping[str, Group]) -> System:
    what = f"systems.{name}"
    found = reading.fields(at, what, {"group": True, "name_ja": True, "name_en": True, "lines_ja": False})
    group = reading.text(found.get("group"), f"{what}.group")
    if group and group not in groups:
        reading.wrong(found["group"], f"{what}: there is no group {group}; there are {', '.join(groups)}")
    name_ja, name_en = (reading.text(found.get(key), f"{what}.{key}") for key in ("name_ja", "name_en"))
    lines = _texts(reading, found.get("lines_ja"), f"{what}.lines_ja") or (name_ja,)
    if "".join(lines) != name_ja:
        reading.wrong(found["lines_ja"], f"{what}.lines_ja do not add up to {name_ja}")
    return System(name, group, name_ja, name_en, lines)


def _flow(reading: Reading, name: str, at: Place, letter: str, systems: Mapping[str, System]) -> Flow:
    what = name
    if not _FLOW.fullmatch(name) or name[0] != letter:
        reading.wrong(at, f"{name}: a flow here is called {letter} and two digits")
    keys = ("name_ja", "name_en", "note_ja", "note_en")
    found = reading.fields(at, what, {key: key.startswith("name") for key in keys} | {"carries": True})
    places = found["carries"].value if "carries" in found else ()
    if not isinstance(places, tuple) or ("carries" in found and not places):
        reading.wrong(found["carries"], f"{what}.carries must be a list, and not empty")
        places = ()
    flow = Flow(
        name,
        **{key: reading.text(found.get(key), f"{what}.{key}") for key in keys},
        carries=tuple(_carry(reading, what, place, systems) for place in places),
    )
    said: set[tuple[str, str]] = set()
    for carry, place in zip(flow.carries, places, strict=True):
        for consumer in carry.to:
            if (carry.entity, consumer) in said:
                reading.wrong(place, f"{what}: that {consumer} hears {carry.entity} is said twice")
            said.add((carry.entity, consumer))
    return flow


def _carry(reading: Reading, flow: str, at: Place, systems: Mapping[str, System]) -> Carry:
    found = reading.fields(at, f"{flow}.carries", {"entity": True, "from": True, "to": True})
    entity = reading.text(found.get("entity"), f"{flow}.carries.entity")
    producer = reading.text(found.get("from"), f"{flow}.carries.from")
    consumers = _texts(reading, found.get("to"), f"{flow}.carries.to")
    for name in {producer, *consumers} - {""}:
        if name not in systems:
            reading.wrong(at, f"{flow}: there is no system {name}")
    if entity and producer and not re.fullmatch(rf"{re.escape(producer)}\.[a-z][a-z0-9_]*", entity):
        reading.wrong(at, f"{flow}: {entity} is not published by {producer}; an entity is <producer>.<name>")
    if producer in consumers:
        reading.wrong(at, f"{flow}: {producer} would hear itself")
    return Carry(entity, producer, consumers)


def _texts(reading: Reading, at: Place | None, what: str) -> tuple[str, ...]:
    if at is None:
        return ()
    if not isinstance(at.value, tuple) or not at.value:
        reading.wrong(at, f"{what} must be a list of text, and not empty")
        return ()
    return tuple(reading.text(place, what) for place in at.value)
