"""Where do tests of the whole fleet find its connectors, and how is something told to one of them?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from bus.adapters.memory import MemoryStore
from bus.connector.manifest import Connector, discover, load
from bus.contract.schema import Contracts
from bus.event import RESIDENT, Event
from bus.kit.examples import Stage, State
from bus.kit.hearing import Told
from bus.topology.model import load as load_topology

ROOT = Path(__file__).resolve().parents[2]
DERIVED = "bus_"  # tables of the kernel's own


class Hall:
    """Departments as one town has them: a topology, and a folder for each."""

    def __init__(self, topology: Path, connectors: Path) -> None:
        self.topology = load_topology(topology)
        self.contracts = Contracts.provisional(ROOT / "schemas", self.topology)
        self.folders = discover(connectors)
        self.names = sorted(self.folders)

    @cache  # noqa: B019  # there are two of them, and both last as long as the tests
    def stage(self, name: str) -> Stage:
        """One department, ready to hear: encoded as the register would, narrowed as the projector would."""
        return Stage(load(self.folders[name], self.topology, self.contracts), self.topology, self.contracts)

    def connector(self, name: str) -> Connector:
        return self.stage(name).connector


CITY = Hall(ROOT / "topology.yaml", ROOT)
TOPOLOGY, CONTRACTS, FLEET = CITY.topology, CITY.contracts, CITY.names
stage, connector = CITY.stage, CITY.connector


class Heard(NamedTuple):
    """What a department held before the last thing it was told, and after."""

    before: State
    after: State

    def new(self) -> dict[str, list[dict[str, Any]]]:
        """table -> the rows that were appended."""
        kept = set(self.after.kept)
        return {
            name: more
            for name, rows in self.after.tables.items()
            if name not in kept and (more := [row for row in rows if row not in self.before.tables[name]])
        }

    def rows(self, key: str, *, after: bool = True) -> dict[str, list[dict[str, Any]]]:
        """kept table -> the rows of one person, or of one fact."""
        state = self.after if after else self.before
        found = {name: [row for row in rows if next(iter(row.values())) == key] for name, rows in state.kept.items()}
        return {name: rows for name, rows in found.items() if rows and not name.startswith(DERIVED)}


def hear(name: str, said: Sequence[Event], last: Event, entity: str = RESIDENT) -> Heard:
    """Everything of one entity, in order; `last` is looked at. What it is not granted, a department never hears."""
    on = stage(name)
    store = MemoryStore()
    if entity not in on.ears:
        nothing = on.play([], store)
        return Heard(nothing, nothing)
    deliveries = on.deliveries([Told(entity, event) for event in (*said, last)])
    ours = [delivery for delivery in deliveries if delivery.id != last.id]
    before = on.play(ours, store)
    return Heard(before, on.play([one for one in deliveries if one.id == last.id], store))
