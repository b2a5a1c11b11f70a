"""Where on the sheet does each system, each flow and each of its tracks have its place?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

SHEET: Final = (420.0, 297.0)  # A3 landscape, in millimetres
EDGE: Final = 10.0
LEFT: Final = 87.0  # where the columns begin; to the left of it stand the names of the flows
RIGHT: Final = 381.5  # where they end; beyond it stands in words what each lane shows
TOP: Final = 30.0
BOX: Final = 30.0  # a system's box
HEAD: Final = 6.4  # the name of the group above or below it
LANES: Final = (TOP + HEAD + BOX + 4.5, 281.5 - HEAD - BOX - 4.5)
GAP: Final = 2.6  # between groups
AIR: Final = 1.1  # between boxes


@dataclass(frozen=True, slots=True)
class Stop:
    """One system: its box, and the stem that goes down or up from it into the bus."""

    system: Mapping[str, Any]
    x: float  # of the stem
    left: float
    wide: float
    top: bool

    @property
    def y(self) -> float:
        return TOP + HEAD if self.top else LANES[1] + 4.5

    @property
    def mouth(self) -> float:
        """Where the stem leaves the box."""
        return self.y + BOX if self.top else self.y


@dataclass(frozen=True, slots=True)
class Panel:
    """The systems of one group, side by side."""

    group: Mapping[str, Any]
    stops: Sequence[Stop]


@dataclass(frozen=True, slots=True)
class Track:
    """Producers of a flow who are heard by the same consumers: every one of these hears every one of those."""

    y: float
    producers: Sequence[str]
    consumers: Sequence[str]
    pairs: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Lane:
    flow: Mapping[str, Any]
    y: float
    high: float
    tracks: Sequence[Track]


def panels(document: Mapping[str, Any]) -> list[Panel]:
    """The groups in their order: above the bus until half of the systems have their place, the others below it."""
    members = {
        group["id"]: [one for one in document["systems"] if one["group"] == group["id"]] for group in document["groups"]
    }
    half, placed = len(document["systems"]) / 2, 0
    above: list[Mapping[str, Any]] = []
    below: list[Mapping[str, Any]] = []
    for group in document["groups"]:
        (above if placed < half else below).append(group)
        placed += len(members[group["id"]])
    rows = (above, below)
    pitch = min((RIGHT - LEFT - GAP * (len(row) - 1)) / (_count(row, members) + 0.5) for row in rows if row)
    return [panel for row, top in zip(rows, (True, False), strict=True) for panel in _row(row, members, pitch, top=top)]


def _count(row: Sequence[Any], members: Mapping[str, Sequence[Any]]) -> int:
    return sum(len(members[group["id"]]) for group in row)


def _row(row: Sequence[Any], members: Mapping[str, Sequence[Any]], pitch: float, *, top: bool) -> Iterator[Panel]:
    at = LEFT if top else LEFT + pitch / 2  # half a step aside, so that no two stems meet
    for group in row:
        stops = []
        for system in members[group["id"]]:
            stops.append(Stop(system, at + pitch / 2, at + AIR / 2, pitch - AIR, top))
            at += pitch
        at += GAP
        yield Panel(group, stops)


def lanes(document: Mapping[str, Any]) -> list[Lane]:
    flows = [(flow, _tracks(flow)) for flow in document["flows"]]
    step = (LANES[1] - LANES[0]) / sum(len(tracks) for _, tracks in flows)
    found, y = [], LANES[0]
    for flow, tracks in flows:
        placed = [
            Track(y + step * (number + 0.5), producers, consumers, _pairs(flow, producers))
            for number, (consumers, producers) in enumerate(tracks)
        ]
        found.append(Lane(flow, y, step * len(tracks), placed))
        y += step * len(tracks)
    return found


def _tracks(flow: Mapping[str, Any]) -> list[tuple[tuple[str, ...], list[str]]]:
    hears: dict[str, list[str]] = {}
    for pair in flow["pairs"]:
        hears.setdefault(pair["producer"], []).append(pair["consumer"])
    found: dict[tuple[str, ...], list[str]] = {}
    for producer, consumers in hears.items():
        found.setdefault(tuple(sorted(consumers)), []).append(producer)
    return list(found.items())


def _pairs(flow: Mapping[str, Any], producers: Sequence[str]) -> list[Mapping[str, Any]]:
    return [pair for pair in flow["pairs"] if pair["producer"] in producers]
