"""Does every outbox wait for those who hear what it says, and for nobody else?"""

from __future__ import annotations

from collections import Counter

from bus.settings import ROOT
from bus.topology.model import load
from bus.topology.outboxes import PROCESSORS, REGISTERS, outboxes

TOPOLOGY = load(ROOT / "topology.yaml")
FOUND = outboxes(TOPOLOGY)


def test_every_entity_is_in_exactly_one_outbox():
    counts = Counter(entity for outbox in FOUND.values() for entity in outbox.entities)

    assert counts == dict.fromkeys(TOPOLOGY.topics, 1)
    assert list(FOUND) == [REGISTERS, PROCESSORS, *TOPOLOGY.publishers]


def test_the_register_waits_for_the_processors_and_the_processors_for_the_readers_of_households():
    register, processors = FOUND[REGISTERS], FOUND[PROCESSORS]

    assert register.entities == ("juki.resident",)
    assert register.heard == {"household": {"999999.juki.resident.v1"}}
    assert "kokuho" in register.subscribed
    assert processors.entities == ("juki.household",)
    assert processors.heard == {}
    assert processors.subscribed == {
        name: {TOPOLOGY.narrowed(name, "juki.household")}
        for name, one in TOPOLOGY.subscriptions.items()
        if "juki.household" in one.reads
    }


def test_a_department_waits_for_those_only_who_hear_it():
    document = FOUND["bunsho_kanri"]

    assert document.canonical == {"999999.bunsho-kanri.document.v1"}
    assert document.subscribed == {"zaimu_kaikei": {"999999.zaimu-kaikei.in.bunsho-kanri.document.v1"}}
    assert document.narrowed == {"999999.zaimu-kaikei.in.bunsho-kanri.document.v1"}
    for name, outbox in FOUND.items():
        assert all(topic in outbox.narrowed for topics in outbox.subscribed.values() for topic in topics), name
