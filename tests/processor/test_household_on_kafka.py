"""Do households come out whole, in order and once, on real Kafka and PostgreSQL, when the driver is killed?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from bus.adapters.kafka import KafkaBroker
from bus.adapters.sql.engine import engine
from bus.adapters.sql.notebook import OutboxOutlet, SqlNotebook
from bus.broker import Message
from bus.contract import framing
from bus.contract.schema import Contracts
from bus.event import Event
from bus.settings import Settings
from bus.topology.acl import desired
from bus.topology.model import load
from bus.topology.plan import plan
from bus.wiring import Wiring
from tests.processor.scene import NAME, standing
from tests.processor.test_properties import Acts, recomputed, touched

ROOT = Path(__file__).parents[2]
TOWN = "999995"  # a town of its own in the shared stack
HOUSEHOLD = "juki.household"
KILLS, ACTS = 4, 120

pytestmark = pytest.mark.stack


TOPOLOGY = f"""
town: "{TOWN}"
topics:
  juki.resident: {{schema: juki/resident.1, partitions: 4, holds: changes}}
  juki.household: {{schema: juki/household.1, partitions: 2, holds: households}}
processors:
  household: {{purpose: the household as a whole, reads: [juki.resident], writes: juki.household}}
subscriptions:
  kokuho: {{purpose: health, statute: an article, reads: {{juki.household: [active, head, size, members]}}}}
"""


class Scene:
    """A town's topics in the running stack, and a bus database that nobody else uses."""

    def __init__(self, stack, project: Path, bus_dsn: str) -> None:
        (project / "topology.yaml").write_text(TOPOLOGY, encoding="utf-8")
        shutil.copytree(ROOT / "schemas", project / "schemas")
        topology = load(project / "topology.yaml")
        Contracts.provisional(project / "schemas", topology).lock.write(project / "schemas" / "ids.lock")
        self.settings = Settings.load(home=stack.home, town=TOWN, project=project)
        self.settings.bus_dsn = bus_dsn
        self.wiring = Wiring(self.settings)
        self.resident = self.wiring.contracts.canonical()
        self.household = self.wiring.contracts.canonical(HOUSEHOLD)
        self.notebook = SqlNotebook(engine(bus_dsn), OutboxOutlet(self.household))
        self.register = KafkaBroker(self.wiring.client("relay"))
        cluster = stack.cluster
        actual = cluster.read()
        cluster.do(plan(desired(topology, actual.brokers), actual, TOWN).harmless.actions)
        cluster.close()

    def bus(self, *words: str, out: int | None = None) -> subprocess.Popen[bytes]:
        env = os.environ | {
            "BUS_BUS_DSN": self.settings.bus_dsn or "",
            "BUS_HOME": str(self.settings.home),
            "BUS_PROJECT": str(self.settings.project),
        }
        command = [sys.executable, "-m", "bus", "processor", *words, "--quiet"]
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=out)

    def document(self, *words: str):
        child = self.bus(*words, "--json", out=subprocess.PIPE)
        said, _ = child.communicate(timeout=120)
        assert child.returncode == 0
        return json.loads(said)

    def publish(self, events: list[Event]) -> None:
        self.register.publish([self._message(event) for event in events])

    def _message(self, event: Event) -> Message:
        value = self.resident.encode(event, town=TOWN, incarnation="1")
        headers = framing.headers(self.resident, id=event.id, recorded=event.recorded, value=value)
        return Message(self.resident.topic, event.key.encode(), value, headers)

    def told(self) -> list[Event]:
        """All of the canonical topic of households, as the projector reads it."""
        broker = KafkaBroker(self.wiring.client("projector"))
        ends = broker.ends([self.household.topic])
        reader = broker.subscribe("projector", [self.household.topic], {})
        found: list[Event] = []
        deadline = time.monotonic() + 60
        while any(reader.position()[place] < end for place, end in ends.items()) and time.monotonic() < deadline:
            for record in reader.poll(5000, 0.5):
                framing.check(record, self.household)
                found.append(self.household.decode(record.value or b""))
        reader.close()
        broker.close()
        return found


@pytest.fixture
def scene(stack, database, tmp_path) -> Iterator[Scene]:
    made = Scene(stack, tmp_path, database("bus"))
    yield made
    made.register.close()


def test_killed_in_the_middle_again_and_again(scene: Scene):
    town, published = Acts(Random(7)), 0
    for round_ in range(1, KILLS + 1):
        town.play(round_ * ACTS)
        events = [event for act in town.acts[published:] for event in act]
        published = len(town.acts)
        for _ in range(3):  # a relay that was killed as well
            scene.publish(events)
        before = dict(scene.notebook.offsets(NAME)) if round_ > 1 else {}
        child = scene.bus("run", "household")
        deadline = time.monotonic() + 60
        scene.notebook.prepare()
        while scene.notebook.offsets(NAME) == before and time.monotonic() < deadline:
            assert child.poll() is None
        child.kill()
        child.wait()
    assert scene.bus("run", "household", "--until-idle").wait(timeout=120) == 0
    assert scene.bus("relay", "--until-idle").wait(timeout=120) == 0

    told = scene.told()
    by_household = {key: [event for event in told if event.key == key] for key in {event.key for event in told}}
    changes = touched(town.acts)
    for key, events in by_household.items():
        assert [event.version for event in events] == list(range(1, len(events) + 1))
        assert len(events) <= changes[key]
    assert max(Counter(event.id for event in told).values()) == 1
    last = {key: dict(events[-1].data) for key, events in by_household.items()}
    assert {key: image for key, image in last.items() if image["active"]} == recomputed(town.ledger)
    _look_at_the_status(scene, len(last), len(standing(told)))
    _rebuild(scene, len(told))


def _look_at_the_status(scene: Scene, facts: int, active: int) -> None:
    (status,) = scene.document("status")
    assert (status["id"], status["lag_events"], status["facts"], status["active"]) == ("household", 0, facts, active)
    assert (status["waiting_acts"], status["held_persons"], status["rebuilding"]) == (0, 0, False)


def _rebuild(scene: Scene, told: int) -> None:
    assert scene.document("rebuild", "household")["said"] == 0
    assert scene.document("relay", "--until-idle")["published"] == 0
    assert len(scene.told()) == told


def test_who_cannot_be_read_is_set_aside_and_released(scene: Scene):
    town = Acts(Random(9))
    town.play(12)
    events = [event for act in town.acts for event in act]
    victim = events[0]
    scene.publish(events[1:])
    broken = scene._message(victim)
    scene.register.publish([broken._replace(value=(broken.value or b"")[:-2])])

    assert scene.bus("run", "household", "--until-idle").wait(timeout=120) == 0

    (status,) = scene.document("status")
    assert [held["code"] for held in status["held"]] == ["DIGEST"]
    child = scene.bus("run", "household")
    scene.document("release", "household", status["held"][0]["where"], "--skip", "--reason", "it was broken")
    scene.document("flush", "household", "--reason", "the row does not come")
    deadline = time.monotonic() + 60
    while (scene.notebook.held(NAME) or scene.notebook.standing(NAME).asked) and time.monotonic() < deadline:
        assert child.poll() is None
    child.terminate()
    assert child.wait(timeout=30) == 143
    assert not scene.notebook.held(NAME)
    assert scene.notebook.standing(NAME).asked is None
