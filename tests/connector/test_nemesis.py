"""Does a department end as if nothing had happened, while its connectors are killed, frozen and thawed?"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bus.adapters.sql.store import open_store
from bus.errors import BusError
from tests.connector.child import LEASE
from tests.connector.department import TABLES

pytestmark = pytest.mark.stack
ROOT = Path(__file__).resolve().parents[2]


class Connectors:
    """Two processes at any time: one owns, one stands by. Whoever dies is replaced."""

    def __init__(self, room):
        self.room, self.living, self.ended = room, [], []

    def start(self):
        command = [sys.executable, "-m", "tests.connector.child", self.room.name, self.room.dsn]
        child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        child.stdin.write(json.dumps(self.room.client))
        child.stdin.close()
        self.living.append(child)

    def fill(self):
        for child in [one for one in self.living if one.poll() is not None]:
            self.living.remove(child)
            self.ended.append((child.returncode, child.stdout.read()))
        while len(self.living) < 2:
            self.start()

    def of(self, pid):
        return next((one for one in self.living if one.pid == pid and one.poll() is None), None)

    def end(self):
        for child in self.living:
            child.send_signal(signal.SIGCONT)
            child.terminate()
        for child in self.living:
            child.wait(30)
            child.stdout.close()


def until(what, seconds=60.0, between=lambda: None):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(BusError):
            if found := what():
                return found
        between()
        threading.Event().wait(0.05)
    raise AssertionError("it did not come to pass in time")


@pytest.fixture
def watched(room):
    store = open_store(room.dsn)
    store.prepare(TABLES)
    yield store
    store.close()


@pytest.fixture
def connectors(room):
    made = Connectors(room)
    yield made
    made.end()


def owner_pid(store, name):
    owner = store.owner(name)
    return int(owner.holder.split("/")[-2]) if owner and owner.age < LEASE else None


def chaos(room, watched, connectors, *, people, lives, kills, freezes):
    chance = random.Random(20260401)
    keys = [f"p{number:03d}" for number in range(people)]
    story = [(version, key) for version in range(1, lives + 1) for key in chance.sample(keys, len(keys))]
    said = threading.Thread(target=_say, args=(room, story, chance.random()))
    connectors.fill()
    said.start()
    done = 0
    while done < kills + freezes:
        victim = until(lambda: connectors.of(owner_pid(watched, room.name)), between=connectors.fill)
        threading.Event().wait(chance.uniform(0.05, 0.6))
        if done >= kills:
            done += _freeze_and_thaw(room, watched, connectors, victim)
        else:
            victim.kill()
            done += victim.wait(30) == -signal.SIGKILL
        connectors.fill()
    said.join()
    return keys, story


def _say(room, story, seed):
    """Each event once or twice, some from further back: what a relay or projector that was killed sends again."""
    chance = random.Random(seed)
    for start in range(0, len(story), 100):
        again = story[max(0, start - chance.randrange(150)) : start] if chance.random() < 0.4 else []
        room.broker.publish([room.voice.say(key, version) for version, key in [*again, *story[start : start + 100]]])


def _freeze_and_thaw(room, watched, connectors, victim):
    epoch = watched.owner(room.name).epoch
    victim.send_signal(signal.SIGSTOP)
    until(lambda: watched.owner(room.name).epoch > epoch, between=connectors.fill)
    room.broker.publish([room.voice.say("frozen", 1)])  # something the thawed one would like to do
    victim.send_signal(signal.SIGCONT)
    until(lambda: victim.poll() is not None, between=connectors.fill)
    return victim.returncode == 1


def _caught_up(room, watched):
    stored = watched.offsets(room.name)
    return all(stored.get(at, 0) >= end for at, end in room.broker.ends([room.voice.topic]).items())


@pytest.mark.parametrize(
    ("people", "lives", "kills", "freezes"),
    [(100, 10, 5, 1), pytest.param(250, 20, 20, 3, marks=pytest.mark.slow)],
)
def test_the_department_ends_as_if_nothing_had_happened(room, watched, connectors, people, lives, kills, freezes):
    keys, story = chaos(room, watched, connectors, people=people, lives=lives, kills=kills, freezes=freezes)

    until(lambda: _caught_up(room, watched), 120, connectors.fill)

    clean = sorted((key, f"v{lives}", "0101001") for key in keys)
    assert [row for row in watched.rows("residents") if row[0] != "frozen"] == clean
    letters = [row[0] for row in watched.rows("moves") if row[3] != "frozen"]
    assert letters == sorted(f"{key}-{version:04d}" for version, key in story)
    assert not watched.parked(room.name)
    assert watched.progress(room.name).fenced >= freezes
    assert sum(code == -signal.SIGKILL for code, _ in connectors.ended) >= kills
    assert any(code == 1 and "FENCED" in out for code, out in connectors.ended)
