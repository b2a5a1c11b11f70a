"""Does every connector do what its department agreed to, and what every connector owes? The fleet is discovered."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from sqlalchemy import text

from bus.adapters.memory import MemoryStore
from bus.adapters.sql.store import open_store
from bus.connector.manifest import discover, leaf_types, load
from bus.contract.schema import Contracts
from bus.event import RESIDENT
from bus.kit.examples import Stage, read
from bus.kit.fleet import an_annulment_restores_what_was_before, it_does_what_the_example_says, report
from bus.topology.model import load as load_topology, producer

ROOT = Path(__file__).resolve().parents[2]
TOPOLOGY = load_topology(ROOT / "topology.yaml")
CONTRACTS = Contracts.provisional(ROOT / "schemas", TOPOLOGY)
FLEET = sorted(discover(ROOT))
# Leaves of facts.
ABOUT_RESIDENTS = {"person", "subject", "household", "head", "members", "name.full", "birth", "new_name"}
WAIVERS = YAML(typ="safe").load(Path(__file__).with_name("waivers.yaml").read_text(encoding="utf-8")) or []


@pytest.fixture(params=FLEET)
def connector(request):
    return load(discover(ROOT)[request.param], TOPOLOGY, CONTRACTS)


def waived(connector: str) -> set[str]:
    return {waiver["owed"] for waiver in WAIVERS if waiver["connector"] == connector}


def faults(connector, store=MemoryStore):
    return [verdict for verdict in report(connector, TOPOLOGY, CONTRACTS, store) if not verdict.ok]


def test_the_five_first_departments_are_found():
    assert {"jido_teate", "kaigo", "kojin_juminzei", "kokuho", "shugaku"} <= set(FLEET)


def test_every_subscription_has_a_connector_and_every_connector_a_subscription():
    assert set(FLEET) == set(TOPOLOGY.subscriptions)


def test_a_connector_owes_nothing_in_memory(connector):
    left = [fault for fault in faults(connector) if fault.owed not in waived(connector.id)]

    assert left == []


def test_a_connector_does_the_same_in_sqlite(connector, tmp_path):
    opened = []

    def fresh():
        opened.append(open_store(f"sqlite:///{tmp_path / secrets.token_hex(6)}.db"))
        return opened[-1]

    wrong = told_by_a_database(connector, fresh)
    for store in opened:
        store.close()

    assert wrong == []


@pytest.mark.stack
def test_a_connector_does_the_same_in_postgresql(connector, database):
    store = open_store(database(connector.id))
    store.prepare(connector.tables)

    wrong = told_by_a_database(connector, lambda: emptied(store))
    store.close()

    assert wrong == []


def test_a_connector_has_the_examples_a_clerk_asks_for(connector):
    examples = read(connector.folder)
    said = [(reason, event) for example in examples for event in example.events for reason in event if reason.isupper()]
    reasons = {reason for reason, _ in said}
    expected = [rows for example in examples for rows in example.expected.values()]

    assert len(examples) >= 6
    assert any(expected)
    assert not all(expected)
    assert any(reason.startswith("TORIKESHI") for reason in reasons)
    assert any("supersedes" in event for _, event in said)
    if RESIDENT in connector.views:
        assert {"TENSHUTSU", "SHIBO"} & reasons
        assert any("頃" in str(event) for _, event in said)
        assert any("protection" in str(event) for _, event in said)
    else:
        assert {"SHURYO", "TEISEI"} <= reasons


@pytest.mark.parametrize("department", ["zaimu_kaikei", "jinji_kyuyo", "shomu_jimu", "bunsho_kanri"])
def test_the_administration_hears_nothing_about_residents(department):
    """Purpose limitation (個人情報保護法 61条): neither who they are, nor under which number."""
    heard = TOPOLOGY.subscriptions[department].reads

    about_residents = {
        entity: found
        for entity in heard
        if (found := ABOUT_RESIDENTS & set(leaf_types(CONTRACTS.canonical(entity).image)))
        or producer(entity) in ("juki", "jutogai", "koseki")
    }

    assert heard
    assert about_residents == {}


def test_every_column_is_looked_at_in_an_example(connector):
    """A column that no example expects could hold anything."""
    expected = [one.expected for one in read(connector.folder)]
    looked_at = {(table, column) for tables in expected for table in tables for row in tables[table] for column in row}
    automatic = {"event_id", "kind", "supersedes"}
    own = [table for table in connector.tables if not table.name.startswith("bus_")]
    written = {(table.name, column.name) for table in own for column in table.columns} - {
        (table.name, name) for table in connector.tables for name in automatic
    }

    unseen = {f"{table}.{column}" for table, column in written - looked_at}

    assert unseen == set()


def test_every_waiver_has_a_reason_a_day_and_a_need():
    now = datetime.now(UTC).date()
    named = {waiver["connector"] for waiver in WAIVERS}
    needed = {(name, fault.owed) for name in named for fault in faults(load(discover(ROOT)[name], TOPOLOGY, CONTRACTS))}

    for waiver in WAIVERS:
        assert len(waiver["why"]) > 20
        assert waiver["until"] >= now
        assert (waiver["connector"], waiver["owed"]) in needed


def told_by_a_database(connector, fresh) -> list[str]:
    """What the examples say, and each of their events annulled: what a database could do differently from memory."""
    stage = Stage(connector, TOPOLOGY, CONTRACTS)
    return [
        f"{example.name}: {what}"
        for example in read(connector.folder)
        for owed in (it_does_what_the_example_says, an_annulment_restores_what_was_before)
        for what in owed(stage.under(example.law), example, fresh)
    ]


def emptied(store):
    """As new: every table of the database is emptied, which is quicker than a new database."""
    with store._engine.begin() as connection:
        found = connection.execute(text("select tablename from pg_tables where schemaname = current_schema()"))
        for name in found.scalars().all():
            connection.execute(text(f"delete from {name}"))  # of few rows quicker than truncate
    return store
