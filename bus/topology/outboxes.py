"""Whose outbox says what, and who hears it? The register has one, the processors have one, each department its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bus.topology.model import REGISTER, Topology, producer

REGISTERS: Final = "register"
PROCESSORS: Final = "processors"


@dataclass(frozen=True, slots=True)
class Outbox:
    name: str  # REGISTERS, PROCESSORS or a department
    entities: tuple[str, ...]
    canonical: frozenset[str]  # their topics
    heard: Mapping[str, frozenset[str]]  # processor -> those of these topics that it reads
    subscribed: Mapping[str, frozenset[str]]  # subscription -> its narrowed topics of these entities

    @property
    def narrowed(self) -> frozenset[str]:
        return frozenset[str]().union(*self.subscribed.values())


def outboxes(topology: Topology) -> dict[str, Outbox]:
    """By name: the bus's own first, then the departments'."""
    folded = {processor.writes for processor in topology.processors.values()}
    said: dict[str, list[str]] = {}
    for entity in topology.topics:
        system = producer(entity)
        name = PROCESSORS if entity in folded else REGISTERS if system == REGISTER else system
        said.setdefault(name, []).append(entity)
    own = [name for name in (REGISTERS, PROCESSORS) if name in said]
    return {name: _outbox(topology, name, said[name]) for name in [*own, *sorted(said.keys() - {*own})]}


def _outbox(topology: Topology, name: str, entities: list[str]) -> Outbox:
    heard = {
        processor.id: frozenset(topology.canonical(one) for one in processor.reads if one in entities)
        for processor in topology.processors.values()
    }
    subscribed = {
        subscription.id: frozenset(
            topology.narrowed(subscription.id, one) for one in entities if one in subscription.reads
        )
        for subscription in topology.subscriptions.values()
    }
    return Outbox(
        name,
        tuple(entities),
        frozenset(topology.canonical(one) for one in entities),
        {one: topics for one, topics in heard.items() if topics},
        {one: topics for one, topics in subscribed.items() if topics},
    )
