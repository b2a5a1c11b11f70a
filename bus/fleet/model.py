"""Did every flow of the city cross the bus? Told by what each department's own database has applied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bus.fleet.flows import Flow, Flows, Pair, System

# The national standard asks that a change is passed on within ten minutes; older than that is late.
LATE_SECONDS: Final = 600.0
# From the best to the worst. A pair is unknown when it crossed and nobody can tell how old its truth is.
STATES: Final = ("current", "late", "unknown", "never")


@dataclass(frozen=True, slots=True)
class Crossing:
    """What one department has applied of one entity. None: it cannot be told now, which is not 0."""

    subscription: str
    entity: str
    count: int | None  # persons or facts that it has a position of
    last: datetime | None
    age_seconds: float | None


def document(
    flows: Flows,
    crossings: Iterable[Crossing],
    *,
    connectors: Collection[str],
    published: Mapping[str, int | None],
    town: str,
    at: datetime,
) -> dict[str, Any]:
    """What `bus fleet check --json` says. `connectors` are those that exist, `published` is per entity."""
    known = {(one.subscription, one.entity): one for one in crossings}
    figure = [_flow(flow, known, connectors) for flow in flows.figure]
    further = [_flow(flow, known, connectors) for flow in flows.further]
    pairs = [pair for flow in (*figure, *further) for pair in flow["pairs"]]
    short = [pair for flow in figure for pair in flow["pairs"] if not pair["crossed"]]
    missing = [
        f"{flow['flow']} {pair['producer']} → {pair['consumer']}"
        for flow in figure
        for pair in flow["pairs"]
        if not pair["crossed"]
    ]
    systems = [_system(flows, system, known, connectors, published, pairs, short) for system in flows.systems.values()]
    return {
        "town": town,
        "at": at,
        "groups": [
            {"id": group.id, "name_ja": group.name_ja, "name_en": group.name_en} for group in flows.groups.values()
        ],
        "systems": systems,
        "flows": figure,
        "further": further,
        "interfaces": interfaces(flows),
        "missing": missing,
        "ok": not missing and all(system["crossed"] for system in systems),
    }


def interfaces(flows: Flows) -> dict[str, int]:
    """What the figure needs from point to point, the contracts that replace it, and the topics these travel in."""
    carries = [carry for flow in flows.figure for carry in flow.carries]
    contracts = {carry.entity for carry in carries}
    narrowed = {(consumer, carry.entity) for carry in carries for consumer in carry.to}
    return {
        "point_to_point": sum(len(flow.pairs()) for flow in flows.figure),
        "contracts": len(contracts),
        "topics": len(contracts) + len(narrowed),
    }


def _flow(flow: Flow, known: Mapping[tuple[str, str], Crossing], connectors: Collection[str]) -> dict[str, Any]:
    pairs = [_pair(pair, entities, known, connectors) for pair, entities in flow.pairs().items()]
    return {
        "flow": flow.id,
        "name_ja": flow.name_ja,
        "name_en": flow.name_en,
        "note_ja": flow.note_ja,
        "note_en": flow.note_en,
        "crossed": all(pair["crossed"] for pair in pairs),
        "pairs": pairs,
    }


def _pair(
    pair: Pair, entities: tuple[str, ...], known: Mapping[tuple[str, str], Crossing], connectors: Collection[str]
) -> dict[str, Any]:
    told = [known.get((pair.consumer, entity)) for entity in entities]
    counts = [one.count for one in told if one is not None and one.count is not None]
    both = pair.producer in connectors and pair.consumer in connectors
    crossed = both and any(counts)
    ages = [None if one is None else one.age_seconds for one in told]
    age = max((one for one in ages if one is not None), default=None) if None not in ages else None
    return {
        "producer": pair.producer,
        "consumer": pair.consumer,
        "entities": list(entities),
        "count": sum(counts) if counts else None,
        "last": max((one.last for one in told if one is not None and one.last is not None), default=None),
        "age_seconds": age,
        "crossed": crossed,
        "state": state(age) if crossed else "never",
        "shown_by": f"bus connector status {pair.consumer}",
    }


def state(age: float | None) -> str:
    """Of what crossed."""
    if age is None:
        return "unknown"
    return "late" if age > LATE_SECONDS else "current"


def worst(states: Iterable[str]) -> str:
    """`never` when there is nothing to be judged."""
    return max(states, key=STATES.index, default="never")


def best(states: Iterable[str]) -> str:
    return min(states, key=STATES.index, default="never")


def _system(
    flows: Flows,
    system: System,
    known: Mapping[tuple[str, str], Crossing],
    connectors: Collection[str],
    published: Mapping[str, int | None],
    pairs: list[dict[str, Any]],
    short: list[dict[str, Any]],
) -> dict[str, Any]:
    listens, says = flows.heard(system.id), flows.published(system.id)
    heard = _sum(one.count for one in known.values() if one.subscription == system.id) if listens else 0
    said = _sum(published.get(entity) for entity in says) if says else 0
    own = [pair for pair in pairs if system.id in (pair["producer"], pair["consumer"])]
    # Judged by what it hears; one that only publishes, by what is heard of it.
    living = [pair for pair in own if pair["crossed"]]
    judged = [pair for pair in living if pair["consumer"] == system.id] or living
    crossed = system.id in connectors and bool(heard or said or living)
    ages = [pair["age_seconds"] for pair in judged if pair["age_seconds"] is not None]
    return {
        "id": system.id,
        "name_ja": system.name_ja,
        "name_en": system.name_en,
        "lines_ja": list(system.lines_ja),
        "group": system.group,
        "connector": system.id in connectors,
        "heard": heard,
        "published": said,
        "last": max((pair["last"] for pair in living if pair["last"] is not None), default=None),
        "age_seconds": max(ages, default=None),
        "crossed": crossed,
        "missing": sum(system.id in (pair["producer"], pair["consumer"]) for pair in short),
        "state": _system_state(judged) if crossed else "never",
    }


def _system_state(judged: list[dict[str, Any]]) -> str:
    return worst(pair["state"] for pair in judged) if judged else "unknown"


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
