"""Do the commands of `bus register` keep what cli.md promises?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from bus.cli import assemble
from tests.register.ledger import HEAD, newcomer
from tests.register.test_layout import NAMED_TRAPS, SAMPLE, file, row

pytestmark = pytest.mark.stack


@pytest.fixture
def bus(register, monkeypatch):
    """Calls a command with the register's application role; (exit code, stdout)."""
    monkeypatch.setenv("BUS_REGISTER_DSN", register.dsn)

    def call(*words, given=None):
        result = CliRunner().invoke(assemble(), ["register", *map(str, words)], input=given, catch_exceptions=False)
        return result.exit_code, result.stdout

    return call


def tennyu(**more):
    cells = {path.replace(".", "__"): cell for path, cell in HEAD.items()}
    return {"reason": "TENNYU", "effective": "2026-04-01", "persons": [newcomer(**cells)], "household": "new", **more}


@pytest.mark.skipif(
    not SAMPLE.is_file(), reason="the shared sample extract is not here: ../shared/data/resident_table.csv"
)
def test_the_sample_goes_in_once_and_comes_out_cell_for_cell(bus):
    code, out = bus("load", SAMPLE, "--json")
    loaded = json.loads(out)
    assert (code, loaded["read"], loaded["loaded"], loaded["rejected"]) == (0, 27, 27, 0)
    assert {(w["code"], w["column"]) for w in loaded["warnings"]} >= set(NAMED_TRAPS)

    again = json.loads(bus("load", SAMPLE, "--json")[1])
    assert (again["loaded"], again["skipped"]) == (0, 27)

    code, out = bus("export")
    source = SAMPLE.read_text(encoding="utf-8").splitlines()
    assert code == 0
    assert [line for line in out.splitlines() if line in set(source)] == source


def test_a_dry_run_loads_nothing(bus, tmp_path):
    path = file(tmp_path, row("4711"))

    code, out = bus("load", path, "--dry-run", "--json")

    assert (code, json.loads(out)["loaded"]) == (0, 0)
    assert bus("show", "4711", "--reason", "test", "--json")[0] == 1


def test_a_key_that_is_somebody_elses_is_not_overwritten(bus, tmp_path):
    bus("load", file(tmp_path, row("4712", 氏名="甲")), "--json")

    code, out = bus("load", file(tmp_path, row("4712", 氏名="乙")), "--json")

    assert (code, json.loads(out)["rejected"]) == (1, 1)
    assert (2, "KEY_EXISTS") in {(w["line"], w["code"]) for w in json.loads(out)["warnings"]}


def test_movements_go_in_line_by_line_and_a_refused_one_keeps_nobody_out(bus):
    lines = [tennyu(), {"reason": "SHIBO", "effective": "2026-04-01", "persons": ["none"]}, tennyu()]
    text = "\n".join([*map(json.dumps, lines), '{"reason": "SHIBO", "reason": "TENNYU"}'])

    code, out = bus("enter", "-", "--json", given=text)

    document = json.loads(out)
    assert (code, document["entered"]) == (1, 2)
    assert {frozenset(event) for event in document["events"]} == {frozenset({"id", "key", "version", "reason"})}
    assert [(refusal["line"], refusal["code"]) for refusal in document["refused"]] == [
        (2, "UNKNOWN_PERSON"),
        (4, "JSON"),
    ]
    assert document["error"]["code"] == "UNKNOWN_PERSON"


def test_a_script_is_played_by_its_own_clock(bus, tmp_path):
    at = datetime(2026, 4, 1, tzinfo=UTC)
    path = tmp_path / "day.jsonl"
    path.write_text("\n".join(json.dumps(tennyu(recorded=(at + timedelta(hours=n)).isoformat())) for n in range(3)))

    code, out = bus("play", path, "--rate", "100", "--json")
    key = json.loads(out)["events"][2]["key"]
    _, shown = bus("show", key, "--reason", "test", "--json")

    assert code == 0
    assert json.loads(shown)["versions"][0]["recorded"] == "2026-04-01T02:00:00Z"


def test_nobody_looks_without_a_reason_and_every_look_is_logged(bus, register):
    key = json.loads(bus("enter", "-", "--json", given=json.dumps(tennyu()))[1])["events"][0]["key"]

    code, out = bus("show", key, "--json")
    assert (code, json.loads(out)["error"]["family"]) == (5, "Refused")

    assert bus("show", key, "--reason", "窓口 3", "--as-of", "2026-04-02", "--json")[0] == 0
    with register.owner.connect() as db:
        logged = db.exec_driver_sql(f"SELECT reason FROM access_log WHERE key = '{key}'").scalars().all()
    assert logged == ["窓口 3"]
