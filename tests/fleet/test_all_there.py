"""Are all 24 systems of the figure there, and does whoever a flow leads to really hear and read what it carries?"""

from __future__ import annotations

import pytest

from .city import flows
from .hall import FLEET, TOPOLOGY, connector

SYSTEMS = {
    "juki", "jutogai", "koseki", "inkan",
    "kojin_juminzei", "hojin_juminzei", "kotei_shisanzei", "keiji_zei", "shutaino",
    "kokuho", "kouki", "kaigo", "nenkin",
    "jido_teate", "nyuyoji_iryo", "hitorioya_iryo", "shogai_fukushi", "seikatsu_hogo", "kenko_kanri",
    "shugaku",
    "zaimu_kaikei", "jinji_kyuyo", "shomu_jimu", "bunsho_kanri",
}  # fmt: skip
CARRIED = sorted(
    {(carry.producer, consumer, carry.entity) for flow in flows() for carry in flow.carries for consumer in carry.to}
)
GRANTED = sorted((entity, name) for name, stanza in TOPOLOGY.subscriptions.items() for entity in stanza.reads)
WITHOUT_RESIDENTS = ("zaimu_kaikei", "jinji_kyuyo", "shomu_jimu", "bunsho_kanri")  # 目的外利用の禁止


def test_the_24_systems_of_the_figure_have_a_connector_and_a_subscription():
    assert len(SYSTEMS) == 24
    assert set(FLEET) == set(TOPOLOGY.subscriptions) == set(flows().systems) == SYSTEMS


@pytest.mark.parametrize(("producer", "consumer", "entity"), CARRIED, ids=" ".join)
def test_what_a_flow_carries_is_granted_and_read_where_it_ends(producer, consumer, entity):
    view = connector(consumer).views.get(entity)

    assert entity in TOPOLOGY.topics
    assert entity.startswith(f"{producer}.")
    assert TOPOLOGY.subscriptions[consumer].reads[entity]
    assert view is not None
    assert view.uses
    assert view.plans, "it is heard, and nothing becomes of it"


@pytest.mark.parametrize(("entity", "name"), GRANTED, ids=" to ".join)
def test_what_is_granted_is_a_flow_that_somebody_named(entity, name):
    own = entity.startswith(f"{name}.")  # the register's own staff look at the register

    assert own or (entity.partition(".")[0], name, entity) in CARRIED


@pytest.mark.parametrize("name", WITHOUT_RESIDENTS)
def test_the_inner_administration_hears_nothing_about_residents(name):
    reads = TOPOLOGY.subscriptions[name].reads

    assert not [entity for entity in reads if entity.startswith(("juki.", "jutogai."))]


def test_every_topic_is_heard_by_somebody():
    heard = {entity for entity, _ in GRANTED} | {read for one in TOPOLOGY.processors.values() for read in one.reads}

    assert set(TOPOLOGY.topics) == heard
