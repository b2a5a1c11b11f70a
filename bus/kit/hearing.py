"""What does a department hear of what is said in an example? The contracts and the disclosure, as in operation."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from bus.broker import Record
from bus.connector.guard import digest, name_of
from bus.connector.manifest import Connector, leaf_types
from bus.contract import framing
from bus.contract.schema import Contracts
from bus.disclosure.audience import Audience, audiences
from bus.errors import Reject
from bus.event import Event
from bus.store import Delivery

INCARNATION: Final = str(uuid.uuid5(uuid.NAMESPACE_OID, "examples"))


class Alone(NamedTuple):
    """A topology with one subscription."""

    topics: Mapping[str, Any]
    subscriptions: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """An event of an example, and of which entity it is."""

    entity: str
    event: Event


class Ear:
    """Of one department and one entity."""

    def __init__(self, connector: Connector, topology: Any, contracts: Contracts, entity: str) -> None:
        self.connector, self.topology, self.contracts, self.entity = connector, topology, contracts, entity
        self.canonical = contracts.canonical(entity)
        self.narrowed = contracts.narrowed(connector.id, entity)
        self.kinds = leaf_types(self.canonical.image)
        self.decode = self.narrowed.decoder(connector.views[entity].paths)

    @cached_property
    def audience(self) -> Audience:
        """Of the whole town, only this department."""
        stanza = self.topology.subscriptions[self.connector.id]
        alone = Alone({self.entity: self.topology.topics[self.entity]}, {self.connector.id: stanza})
        rules = audiences(alone, self.contracts, lambda _, of: self.connector.views[of].concerns)
        return rules[self.canonical.topic]

    def hear(self, event: Event, offset: int) -> list[Delivery]:
        value = self.canonical.encode(event, town=self.canonical.town, incarnation=INCARNATION)
        headers = framing.headers(self.canonical, id=event.id, recorded=event.recorded, value=value)
        spoken = Record(self.canonical.topic, 0, 0, event.key.encode(), value, headers)
        found = []
        for _, _, message in self.audience.tell(spoken):
            assert message.value is not None  # a tombstone is no way to say anything here
            found.append(self.delivery(message.value, offset))
        return found

    def delivery(self, value: bytes, offset: int) -> Delivery:
        row = self.decode(value)
        record = Record(self.narrowed.topic, 0, offset, row[1].encode(), value)
        name = name_of(self.entity, row[1])
        delivery = Delivery(record, name, row[2], row[3], row[0], digest(record), row[4], row[5] or "")
        try:
            delivery.changes, delivery.reviews = self.connector.views[self.entity].plan(row)
        except Reject as reject:
            delivery.reject = reject
        return delivery
