"""Does the main job work, twice, and after everything was killed?"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bus.settings import ROOT
from bus.stack.home import Home

SAMPLE = ROOT.parent / "shared" / "data" / "resident_table.csv"

pytestmark = pytest.mark.stack


def call(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "bus", *words, "--home", str(home)]


def demo(home: Path, *words: str) -> tuple[int, dict]:
    done = subprocess.run(
        call(home, "demo", *words, "--json"), cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def home(homes):
    return homes()


def alive(home: Path) -> list[int]:
    state = Home(home).load()
    return [process.pid for process in state.processes.values() if process.is_alive] if state else []


def test_a_week_arrives_and_equals_the_register(home):
    code, seen = demo(home, "--residents", "300")

    assert code == 0, seen
    assert seen["ok"]
    assert [one["equal"] for one in seen["departments"]] == [True] * 24
    assert seen["map"]["missing"] == []
    assert {one["id"]: one["parked"] for one in seen["departments"] if one["parked"]} == {"kokuho": 1}
    assert seen["poison"]["waiting"] == 2
    assert seen["doubled"]["dropped"] >= seen["doubled"]["written"]
    assert [(kill["name"], kill["signal"]) for kill in seen["killed"]] == [("kaigo", 9), ("relay", 9)]
    assert all(kill["waiting"] > 0 for kill in seen["killed"])
    assert alive(home) == []


def test_after_everything_was_killed_it_works_again(home):
    first = subprocess.Popen(
        call(home, "demo", "--residents", "300", "--stay"),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while len(alive(home)) < 31:  # Kafka, PostgreSQL, three relays, projector, processor, 24 connectors
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for pid in [first.pid, *alive(home)]:
        os.kill(pid, signal.SIGKILL)
    first.wait()

    code, seen = demo(home, "--residents", "300", "--seed", "8")

    assert code == 0, seen
    assert alive(home) == []


def test_a_real_extract_arrives_as_well(home):
    if not SAMPLE.exists():
        pytest.skip(f"the sample extract is not there: {SAMPLE}")

    code, seen = demo(home, "--file", str(SAMPLE))

    assert code == 0, seen
    assert seen["movements"] > 10


def test_a_stack_that_is_not_a_demonstrations_is_left_alone(home):
    subprocess.run(call(home, "stack", "up", "--quiet"), cwd=ROOT, capture_output=True, check=True)
    before = alive(home)

    code, seen = demo(home, "--residents", "300")

    assert (code, seen["error"]["code"]) == (6, "HOME_TAKEN")
    assert alive(home) == before
