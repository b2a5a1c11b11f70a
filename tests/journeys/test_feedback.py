"""Does what departments say of a person come back to the register, and never out of it again as its own word?"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bus.event import RESIDENT
from bus.fact.say import Say
from bus.register.entry import Entry
from bus.settings import ROOT
from bus.wiring import Wiring
from tests.conftest import Running, start

pytestmark = pytest.mark.stack
ENTITY = "kokuho.qualification"
COUNT = 1_000
MOVE_IN = {
    "reason": "TENNYU",
    "effective": "2026-04-01",
    "household": "new",
    "persons": [{"key": None, "set": {"name.full": "見本　花", "birth": "1990-01-01"}}],
}


@pytest.fixture
def running(homes) -> Running:
    return start(homes())


def call(home: Path, *words: str) -> dict:
    command = [sys.executable, "-m", "bus", *words, "--home", str(home), "--json", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def everything_goes_round(home: Path) -> None:
    """Until nobody has anything to say: the register, the department, the projector, the register's own view."""
    for words in (
        ("relay", "run"), ("relay", "run", "--of", "kokuho"), ("projector", "run"), ("connector", "run", "juki"),
        ("relay", "run"), ("projector", "run"),
    ):  # fmt: skip
        call(home, *words, "--until-idle")


def written(wiring: Wiring) -> dict[str, int]:
    """Entity -> how many records were ever published of it."""
    topology = wiring.topology
    with closing(wiring.broker("admin")) as broker:
        return {entity: sum(broker.ends([topology.canonical(entity)]).values()) for entity in topology.topics}


def test_a_thousand_feedback_facts_reach_the_registers_view_and_echo_nowhere(running: Running):
    wiring = Wiring(running.settings)
    entry = Entry.open(wiring.engine("register"), wiring.contracts.canonical(), wiring.topology.town)
    entry.enter(MOVE_IN)
    everything_goes_round(running.home)
    before, history = written(wiring), [len(one) for one in entry.histories()]
    book = wiring.facts("kokuho")
    for first in range(0, COUNT, 200):
        keys = [f"{number:07d}" for number in range(first, first + 200)]
        image = {"since": "2026-04-01", "category": "一般"}
        book.say(None, [Say(ENTITY, f"kokuho/{key}", "KETTEI", {"person": key, **image}, "2026-04-01") for key in keys])

    everything_goes_round(running.home)

    after = written(wiring)
    assert after[ENTITY] - before[ENTITY] == COUNT
    assert {entity: after[entity] - count for entity, count in before.items() if after[entity] != count} == {
        ENTITY: COUNT
    }
    assert after[RESIDENT] == before[RESIDENT] == 1
    assert [len(one) for one in entry.histories()] == history
    with closing(wiring.store("juki")) as view:
        view.prepare(wiring.connector("juki").tables)
        assert len(view.rows("schemes")) == COUNT
        assert len(view.rows("scheme_requests")) == COUNT
