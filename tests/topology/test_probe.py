"""May every principal do what the topology grants it, and nothing else in the cluster?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from bus.errors import Refused
from bus.topology.acl import desired, principals
from bus.topology.cluster import Acl, Grant, Revoke
from bus.topology.plan import plan
from bus.topology.probe import probe
from bus.wiring import Wiring
from tests.conftest import Running

pytestmark = pytest.mark.stack


def test_the_whole_matrix_is_as_granted(stack: Running, topics: Callable[..., str]) -> None:
    wiring = Wiring(stack.settings)
    foreign = topics("of-nobody")

    matrix = probe(wiring.topology, wiring.prober, stack.cluster.read().topics)

    assert matrix.wrong == ()
    assert {cell.principal for cell in matrix.cells} == set(principals(wiring.topology))
    assert not any(cell.may for cell in matrix.cells if cell.name == foreign)
    assert sum(cell.may for cell in matrix.cells) == sum(cell.granted for cell in matrix.cells) > 0
    assert sum(wiring.broker("admin").ends([foreign]).values()) == 0  # nothing was written to find out


@pytest.mark.parametrize(
    ("operation", "pattern", "shown"),
    [
        ("READ", "LITERAL", {"READ", "DESCRIBE"}),
        ("WRITE", "PREFIXED", {"WRITE", "DESCRIBE"}),
        ("DELETE", "LITERAL", {"DELETE", "DESCRIBE"}),
    ],
)
def test_one_right_too_many_is_found_by_probe_and_by_plan(
    stack: Running, topics: Callable[..., str], operation: str, pattern: str, shown: set[str]
) -> None:
    wiring = Wiring(stack.settings)
    name = topics("too-much")
    extra = Acl("relay", operation, "TOPIC", name, pattern)
    stack.cluster.do([Grant(extra)])
    try:
        actual = stack.cluster.read()
        matrix = probe(wiring.topology, wiring.prober, actual.topics, among=["relay"])
        todo = plan(desired(wiring.topology, actual.brokers), actual, wiring.topology.town)
    finally:
        stack.cluster.do([Revoke(extra)])

    assert {cell.operation for cell in matrix.wrong} == shown
    assert {cell.name for cell in matrix.wrong} == {name}
    assert todo.actions == (Revoke(extra),)
    assert probe(wiring.topology, wiring.prober, [name], among=["relay"]).is_equal


INTERNAL = ("zaimu_kaikei", "jinji_kyuyo", "shomu_jimu", "bunsho_kanri")


def test_the_four_internal_systems_can_read_no_topic_about_residents(stack: Running) -> None:
    """House 1.2: accounting, payroll, general affairs and documents have no purpose that needs a resident."""
    wiring = Wiring(stack.settings)
    topology = wiring.topology
    resident = {entity for entity in topology.topics if names_somebody(wiring, entity)}
    about = {topology.canonical(entity) for entity in resident}
    about |= {topology.narrowed(name, of) for name, one in topology.subscriptions.items() for of in one.reads}
    about -= {topology.narrowed(name, of) for name in INTERNAL for of in topology.subscriptions[name].reads}

    matrix = probe(topology, wiring.prober, stack.cluster.read().topics, among=INTERNAL)

    readable = {
        cell.name for cell in matrix.cells if cell.resource == "TOPIC" and cell.operation == "READ" and cell.may
    }
    assert readable & about == set()
    assert len(about) > 100
    assert readable == {topology.narrowed(name, of) for name in INTERNAL for of in topology.subscriptions[name].reads}


@pytest.mark.parametrize("principal", INTERNAL)
def test_a_reader_with_their_credentials_is_refused_by_the_broker(stack: Running, principal: str) -> None:
    wiring = Wiring(stack.settings)
    topic = wiring.topology.canonical("juki.resident")
    with closing(wiring.broker(principal)) as broker, pytest.raises(Refused):
        reader = broker.subscribe(principal.replace("_", "-"), [topic], {(topic, 0): 0})
        try:
            for _ in range(20):
                reader.poll(1, 0.5)
        finally:
            reader.close()


def names_somebody(wiring: Wiring, entity: str) -> bool:
    """Has it a field that says whom it is about?"""
    paths = set(wiring.contracts.canonical(entity).paths)
    return entity.startswith(("juki.", "jutogai.")) or bool(paths & {"person", "subject"})
