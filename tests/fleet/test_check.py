"""Does `bus fleet check` say what the departments' databases say, also when some of them say nothing?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from bus.adapters.sql import bus_tables
from bus.adapters.sql.crossings import heard
from bus.adapters.sql.engine import engine
from bus.cli import assemble
from bus.fleet.flows import Flows

from .city import ROOT, flows, machine_form

CITY = flows()
MOVED = 1_795_000_000_000_000  # microseconds since 1970


def apply(dsn: str, subscription: str, keys: Iterable[str], topics: Iterable[str]) -> None:
    """As a connector leaves its positions behind."""
    made = engine(dsn)
    bus_tables.metadata.create_all(made)
    place = {"version": 1, "recorded": MOVED, "event_id": "e", "digest": b"", "gone": False}
    at = {"partition": 0, "next": 3, "at": MOVED}
    with made.begin() as db:
        for key in keys:
            db.execute(sa.insert(bus_tables.applied).values(connector=subscription, key=key, **place))
        for topic in topics:
            db.execute(sa.insert(bus_tables.offset).values(connector=subscription, topic=topic, **at))
    made.dispose()


def topology(city: Flows) -> str:
    entities = dict.fromkeys(carry.entity for flow in city for carry in flow.carries)
    lines = ['town: "999999"', "topics:"]
    for entity in entities:
        lines += [f"  {entity}:", f"    schema: {entity.replace('.', '/')}.1", "    partitions: 1", "    holds: facts"]
    lines.append("subscriptions:")
    for system in city.systems:
        if granted := city.heard(system):
            lines += [f"  {system}:", "    purpose: its duty", "    statute: a law", "    reads:"]
            lines += [f"      {entity}: [active]" for entity in granted]
    return "\n".join(lines) + "\n"


@dataclass
class Town:
    """A project of its own with a database per department, and no broker."""

    path: Path

    def dsn(self, system: str) -> str:
        return f"sqlite:///{self.path}/{system}.db"

    def check(self, *words: str) -> tuple[int, dict[str, Any]]:
        result = CliRunner().invoke(assemble(), ["fleet", "check", "--json", *words], catch_exceptions=False)
        return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def town(tmp_path, monkeypatch):
    for name in ("schemas", "connectors"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "schemas" / "flows.yaml", tmp_path / "schemas")
    (tmp_path / "topology.yaml").write_text(topology(CITY), encoding="utf-8")
    made = Town(tmp_path)
    for system in CITY.systems:
        folder = tmp_path / "connectors" / system
        folder.mkdir()
        (folder / "connector.yaml").touch()
        granted = CITY.heard(system)
        keys = ["000000000000018" if one == "juki.resident" else f"{one}:{one.split('.')[0]}/1" for one in granted]
        topics = [f"999999.{system}.in.{one}.v1".replace("_", "-") for one in granted]
        apply(made.dsn(system), system, keys, topics)
        monkeypatch.setenv(f"BUS_DEPARTMENT_{system.upper()}", made.dsn(system))
    monkeypatch.setenv("BUS_PROJECT", str(tmp_path))
    monkeypatch.setenv("BUS_HOME", str(tmp_path / "home"))
    return made


def test_a_town_in_which_all_was_applied_is_whole_and_has_the_promised_shape(town):
    code, document = town.check()

    assert (code, document["ok"], document["missing"]) == (0, True, [])
    assert document["town"] == "999999"
    assert len(document["systems"]) == 24
    assert [flow["flow"] for flow in document["flows"]] == [f"F{number:02}" for number in range(1, 21)]
    assert document["systems"][0].keys() >= {
        "id", "name_ja", "group", "connector", "heard", "published", "last", "crossed",
    }  # fmt: skip
    assert document["flows"][0]["pairs"][0].keys() >= {
        "producer", "consumer", "entities", "count", "last", "age_seconds", "crossed", "shown_by",
    }  # fmt: skip
    assert document["interfaces"]["point_to_point"] == len(machine_form())


def test_without_a_broker_ages_and_what_was_published_are_unknown(town):
    _, document = town.check()

    pairs = [pair for flow in document["flows"] for pair in flow["pairs"]]
    assert {pair["age_seconds"] for pair in pairs} == {None}
    assert {pair["state"] for pair in pairs} == {"unknown"}
    assert {system["published"] for system in document["systems"] if CITY.published(system["id"])} == {None}


def test_a_folder_that_is_removed_makes_exactly_its_rows_missing(town):
    shutil.rmtree(town.path / "connectors" / "kaigo")

    code, document = town.check()

    assert code == 3
    assert set(document["missing"]) == {
        f"{flow} {one} → {other}" for flow, one, other in machine_form() if "kaigo" in (one, other)
    }
    assert [system["id"] for system in document["systems"] if not system["crossed"]] == ["kaigo"]


def test_a_database_in_which_no_connector_ever_ran_has_heard_nothing(town, monkeypatch):
    monkeypatch.setenv("BUS_DEPARTMENT_INKAN", f"sqlite:///{town.path}/empty.db")

    code, document = town.check()

    assert code == 3
    assert set(document["missing"]) == {"F19 koseki → inkan", "F20 juki → inkan"}
    assert not sa.inspect(engine(f"sqlite:///{town.path}/empty.db")).get_table_names()


def test_a_database_that_does_not_answer_is_unknown_and_no_crash(town, monkeypatch):
    monkeypatch.setenv("BUS_DEPARTMENT_SHUGAKU", f"sqlite:///{town.path}/there/is/none.db")

    code, document = town.check()

    (system,) = [one for one in document["systems"] if one["id"] == "shugaku"]
    assert code == 3
    assert system["heard"] is None
    assert set(document["missing"]) == {"F17 seikatsu_hogo → shugaku", "F20 juki → shugaku"}


def test_a_position_that_did_not_come_by_its_topic_has_not_crossed(town):
    made = engine(town.dsn("jinji_kyuyo"))
    with made.begin() as db:
        db.execute(sa.delete(bus_tables.offset).where(bus_tables.offset.c.topic.contains("withholding")))

    code, document = town.check()

    assert (code, document["missing"]) == (3, ["F12 kojin_juminzei → jinji_kyuyo"])


def test_the_map_is_written_beside_the_document(town):
    file = town.path / "map.svg"

    code, _ = town.check("--draw", str(file), "--lang", "en")

    assert code == 0
    assert "101" in "".join(ET.fromstring(file.read_bytes()).itertext())


@pytest.mark.parametrize(("lang", "word"), [("ja", "個人住民税情報"), ("en", "Individual inhabitant tax")])
def test_people_see_two_tables_and_a_sentence(town, monkeypatch, lang, word):
    monkeypatch.setenv("COLUMNS", "200")

    result = CliRunner().invoke(assemble(), ["fleet", "check", "--lang", lang], catch_exceptions=False)

    assert result.exit_code == 0
    assert word in result.stdout
    assert "101" in result.stdout.splitlines()[-1]


def test_without_any_department_the_stack_is_named_as_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("BUS_HOME", str(tmp_path))

    result = CliRunner().invoke(assemble(), ["fleet", "check", "--json"])

    assert result.exit_code == 6
    assert json.loads(result.stdout)["error"]["code"] == "NO_STACK"


def test_keys_of_facts_are_counted_per_contract_and_underscores_are_no_wildcards(tmp_path):
    dsn = f"sqlite:///{tmp_path}/one.db"
    keys = ["000000000000018", "000000000000026", "a_b.c:a_b/1", "axb.c:axb/1", "axb.c:axb/2"]
    apply(dsn, "kokuho", keys, ["t"])
    apply(dsn, "kaigo", ["000000000000034"], [])

    found = heard(dsn, "kokuho", ["juki.resident", "a_b.c", "axb.c", "x.y"])

    assert found.counts == {"juki.resident": 2, "a_b.c": 1, "axb.c": 2, "x.y": 0}
    assert found.offsets == {("t", 0): 3}
    assert found.last["t"] == bus_tables.instant(MOVED)
