"""Do words and rules mean what they say where several entities, or the shared code lists, are behind them?"""

from __future__ import annotations

from pathlib import Path

from bus.connector.manifest import discover
from bus.language import rules
from bus.reading.lists import codes

ROOT = Path(__file__).resolve().parents[2]
BOTH = {"household": "text", "household.no": "text", "birth": "uncertain"}  # of a fact, and of a resident


def test_a_rule_reads_the_longest_field_where_a_shorter_one_has_its_name(tmp_path):
    path = tmp_path / "rules.py"
    path.write_text(
        "def of_resident(person) -> str:\n    return person.household.no.strip()\n"
        "def of_fact(fact) -> str:\n    return fact.household.strip()\n",
        encoding="utf-8",
    )

    found = rules.load(path, BOTH, "toy")

    assert set(found["of_resident"].paths) == {"household.no"}
    assert set(found["of_fact"].paths) == {"household"}


def test_every_shared_code_list_gives_its_meanings():
    lists = {path.stem: codes(path) for path in (ROOT / "schemas" / "codes").glob("*.yaml")}

    assert lists["state"]["2"] == "転出者"
    assert all(lists["sex"].values())


def test_the_insurances_and_the_addressees_have_connectors():
    assert {"jutogai", "kaigo", "kokuho", "kouki", "nenkin"} <= set(discover(ROOT))
