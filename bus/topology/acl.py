"""Which topics, users and permissions follow from the topology? (Pure. Nobody types a permission.)

    relay       WRITE canonical of the register
    projector   READ canonical, WRITE narrowed, READ its own group
    department  READ its own narrowed, READ its own group, WRITE canonical of its own facts
    processor   READ canonical that it folds, READ its own group

Everything else is denied. READ and WRITE bring DESCRIBE with them; there is no wildcard and no prefix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bus.topology.cluster import Acl, Shape, TopicState
from bus.topology.model import REGISTER, Topology, producer

RELAY: Final = "relay"
PROJECTOR: Final = "projector"
DAY: Final = 24 * 3600 * 1000


def principals(topology: Topology) -> tuple[str, ...]:
    """Without the administrator, who is not of the topology."""
    return (RELAY, PROJECTOR, *sorted({*topology.subscriptions, *topology.processors, *topology.publishers}))


def desired(topology: Topology, brokers: int) -> Shape:
    return Shape(dict(_topics(topology, brokers)), frozenset(principals(topology)), frozenset(_acls(topology)), brokers)


def _topics(topology: Topology, brokers: int) -> Iterator[tuple[str, TopicState]]:
    replicas = 3 if brokers >= 3 else 1
    for entity, topic in topology.topics.items():
        state = TopicState(
            topic.partitions,
            replicas,
            {
                "cleanup.policy": "delete",
                "message.timestamp.type": "LogAppendTime",
                "retention.ms": str(topic.retention_days * DAY),
                "retention.bytes": "-1",
                "max.message.bytes": "1000000",
                "min.insync.replicas": "2" if replicas == 3 else "1",
                "unclean.leader.election.enable": "false",
            },
        )
        yield topology.canonical(entity), state
        for name, subscription in topology.subscriptions.items():
            if entity in subscription.reads:
                yield topology.narrowed(name, entity), state


def _acls(topology: Topology) -> Iterator[Acl]:
    yield Acl(PROJECTOR, "READ", "GROUP", PROJECTOR)
    for entity in topology.topics:
        system = producer(entity)
        yield Acl(RELAY if system == REGISTER else system, "WRITE", "TOPIC", topology.canonical(entity))
        yield Acl(PROJECTOR, "READ", "TOPIC", topology.canonical(entity))
    for name, subscription in topology.subscriptions.items():
        yield Acl(name, "READ", "GROUP", subscription.group)
        for entity in subscription.reads:
            narrowed = topology.narrowed(name, entity)
            yield Acl(PROJECTOR, "WRITE", "TOPIC", narrowed)
            yield Acl(name, "READ", "TOPIC", narrowed)
    for name, processor in topology.processors.items():
        yield Acl(name, "READ", "GROUP", name.replace("_", "-"))
        for entity in processor.reads:
            yield Acl(name, "READ", "TOPIC", topology.canonical(entity))
