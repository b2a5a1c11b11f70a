"""How much does a 25th department cost? A folder and a stanza; then it is on the bus."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bus.settings import ROOT

pytestmark = pytest.mark.stack

STANZA = """
  toshokan:             # 図書館
    purpose: where the library's readers live
    statute: サンプル市図書館条例 3条
    reads:
      juki.resident: [name.full, address.town, is_resident]
"""
MANIFEST = """\
# 図書館: who lives here, under which name and in which part of the town (サンプル市図書館条例 3条).
name_ja: 図書館

keeps:
  readers:
    key: person
    only_if: is_resident
    columns: {name: name.full, town: address.town}
"""
EXAMPLES = """\
- example: who lives here may read
  date: 2026-04-06
  events: [{TENNYU: &hana {name: {full: 甲野　花}, address: {town: 中央一丁目}, is_resident: true}}]
  readers: [{person: P1, name: 甲野　花, town: 中央一丁目}]

- example: who leaves is forgotten
  date: 2026-04-06
  events: [{TENNYU: *hana}, {TENSHUTSU: {is_resident: false}}]
  readers: []
"""
MOVE_IN = {
    "reason": "TENNYU",
    "effective": "2026-04-01",
    "household": "new",
    "persons": [{"key": None, "set": {"name.full": "見本　花", "birth": "1990-01-01", "address.town": "北一丁目"}}],
}


@pytest.fixture
def project(tmp_path) -> Path:
    """The city as it is, and a library."""
    for name in ("connectors", "schemas"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "topology.yaml", tmp_path)
    (tmp_path / "connectors/toshokan").mkdir()
    (tmp_path / "connectors/toshokan/connector.yaml").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "connectors/toshokan/examples.yaml").write_text(EXAMPLES, encoding="utf-8")
    with (tmp_path / "topology.yaml").open("a", encoding="utf-8") as topology:
        topology.write(STANZA)
    return tmp_path


def touched(project: Path) -> set[str]:
    """What differs from the city as it is: a folder counts once."""
    found = {name for name in ("topology.yaml",) if not filecmp.cmp(ROOT / name, project / name, shallow=False)}
    for room in ("connectors", "schemas"):
        compared = filecmp.dircmp(ROOT / room, project / room, ignore=["__pycache__"])
        found |= {f"{room}/{name}" for name in (*compared.right_only, *compared.left_only, *compared.diff_files)}
    return found


def call(project: Path, home: Path, *words: str, said: Any = None) -> Any:
    environment: Mapping[str, str] = {**os.environ, "BUS_PROJECT": str(project)}
    done = subprocess.run(
        [sys.executable, "-m", "bus", *words, "--home", str(home), "--json"],
        cwd=ROOT, env=environment, input=json.dumps(said) if said else None, capture_output=True, text=True,
        timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_department_that_keeps_three_columns_touches_two_places_and_runs(project, homes: Callable[[], Path]):
    assert touched(project) == {"topology.yaml", "connectors/toshokan"}
    home = homes()

    locked = call(project, home, "contract", "lock")["added"]  # a number for the wire, written by the command alone
    call(project, home, "connector", "test", "toshokan")
    call(project, home, "stack", "up")
    call(project, home, "register", "enter", "-", said=MOVE_IN)
    call(project, home, "relay", "run", "--until-idle")
    call(project, home, "projector", "run", "--until-idle")
    call(project, home, "connector", "run", "toshokan", "--until-idle")

    assert [one["subject"] for one in locked] == ["toshokan.in.juki.resident.v1-value"]
    (standing,) = call(project, home, "connector", "status", "toshokan")
    assert (standing["applied"], standing["parked"], standing["lag"]) == (1, 0, 0)
