"""Who still has something to do? Read from the databases and the broker themselves, not from anybody's counters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from bus.adapters.sql.outbox import SqlOutbox
from bus.broker import Broker
from bus.connector.manifest import Connector
from bus.disclosure.positions import Positions
from bus.processor.driver import name_of
from bus.store import Store
from bus.wiring import Wiring


class Backlog(NamedTuple):
    """Numbers of records: committed and unpublished, not yet folded, not yet narrowed, not yet in the tables."""

    unpublished: int
    unprocessed: int
    unprojected: int
    behind: dict[str, int]

    @property
    def is_empty(self) -> bool:
        return not (self.unpublished or self.unprocessed or self.unprojected or any(self.behind.values()))

    def __str__(self) -> str:
        waiting = ", ".join(f"{name} {count}" for name, count in self.behind.items() if count)
        told = f"outboxes {self.unpublished}, processors {self.unprocessed}, projector {self.unprojected}"
        return told + (f", {waiting}" if waiting else "")


class Outlook:
    def __init__(self, wiring: Wiring, connectors: Sequence[str], processors: Sequence[str] = ()) -> None:
        self.wiring = wiring
        self.connectors = tuple(connectors)
        self.processors = tuple(processors)

    @cached_property
    def departments(self) -> dict[str, Connector]:
        return {name: self.wiring.connector(name) for name in self.connectors}

    @cached_property
    def broker(self) -> Broker:
        return self.wiring.broker("admin")

    @cached_property
    def outboxes(self) -> dict[str, SqlOutbox]:
        """The register's, and that of every department that speaks."""
        spoken = [name for name in self.wiring.topology.publishers if name in self.connectors]
        books = {name: SqlOutbox(self.wiring.facts(name).engine) for name in spoken}
        return {"register": SqlOutbox(self.wiring.engine("relay")), **books}

    @cached_property
    def processed(self) -> SqlOutbox:
        return SqlOutbox(self.wiring.engine("bus"))

    @cached_property
    def positions(self) -> Positions:
        positions = self.wiring.positions()
        positions.prepare()
        return positions

    @cached_property
    def stores(self) -> dict[str, Store]:
        found: dict[str, Store] = {}
        for name in self.connectors:
            found[name] = self.wiring.store(name)
            found[name].prepare(self.departments[name].tables)
        return found

    def topics(self, connector: str) -> list[str]:
        topology = self.wiring.topology
        return [topology.narrowed(connector, entity) for entity in topology.subscriptions[connector].reads]

    def backlog(self) -> Backlog:
        """From the end of the path to its beginning would miss what moves meanwhile; so from the beginning."""
        unpublished = sum(self.unpublished(name) for name in self.outboxes)
        topology = self.wiring.topology
        canonical = [topology.canonical(entity) for entity in topology.topics]
        unprocessed = 0
        for name in self.processors:
            here = dict(self.positions.offsets(name_of(name)))
            heard = [topology.canonical(entity) for entity in topology.processors[name].reads]
            unprocessed += self._left(heard, here)
        unprocessed += sum(shard["unpublished"] for shard in self.processed.status()) if self.processors else 0
        unprojected = self._left(canonical, dict(self.positions.offsets("projector")))
        return Backlog(unpublished, unprocessed, unprojected, {name: self.behind(name) for name in self.connectors})

    def unpublished(self, name: str) -> int:
        return sum(int(shard["unpublished"]) for shard in self.outboxes[name].status())

    def behind(self, connector: str) -> int:
        return self._left(self.topics(connector), dict(self.stores[connector].offsets(connector)))

    def _left(self, topics: Sequence[str], here: dict[tuple[str, int], int]) -> int:
        return sum(max(0, end - here.get(place, 0)) for place, end in self.broker.ends(topics).items())

    def close(self) -> None:
        for outbox in (*self.outboxes.values(), self.processed):
            outbox.close()  # one that was never asked has nothing open
        self.broker.close()
        for store in self.stores.values():
            store.close()
