"""Does the real projector, on real Kafka and PostgreSQL, lose or turn round nothing when it is killed?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from bus.adapters.kafka import KafkaBroker
from bus.adapters.sql.engine import engine
from bus.adapters.sql.positions import SqlPositions
from bus.broker import Message, Record
from bus.contract import framing
from bus.contract.schema import Contracts
from bus.disclosure.positions import Positions
from bus.event import DATA
from bus.settings import Settings
from bus.topology.acl import desired
from bus.topology.model import Topology, load
from bus.topology.plan import plan
from bus.wiring import Wiring
from tests.disclosure.town import ENTITY, Person, canaries, changed, image, message

ROOT = Path(__file__).parents[2]
TOWN = "999993"  # a town of its own in the shared stack
HEARER = "kojin_juminzei"
KILLS, PERSONS, ROUND = 5, 60, 1200

pytestmark = pytest.mark.stack


TOPOLOGY = f"""
town: "{TOWN}"
topics:
  juki.resident: {{schema: juki/resident.1, partitions: 4, holds: changes}}
subscriptions:
  kojin_juminzei:
    {{purpose: tax, statute: an article, reads: {{juki.resident: [name.full, is_resident, birth, address.lot]}}}}
  kokuho:
    {{purpose: health, statute: an article, reads: {{juki.resident: [name.full, household.no]}}}}
"""


class Scene:
    """A town's topics in the running stack, and a bus database that nobody else uses."""

    def __init__(self, stack, project: Path, bus_dsn: str) -> None:
        self.settings = Settings.load(home=stack.home, town=TOWN, project=project)
        self.settings.bus_dsn = bus_dsn
        self.wiring = Wiring(self.settings)
        self.topology: Topology = self._project(project)
        self.contracts: Contracts = self.wiring.contracts
        self.canonical = self.contracts.canonical(ENTITY)
        self.positions: Positions = SqlPositions(engine(bus_dsn))
        self.relay = KafkaBroker(self.wiring.client("relay"))
        self.hearer = KafkaBroker(self.wiring.client(HEARER))
        cluster = stack.cluster
        actual = cluster.read()
        cluster.do(plan(desired(self.topology, actual.brokers), actual, TOWN).harmless.actions)
        cluster.close()

    def _project(self, project: Path) -> Topology:
        (project / "topology.yaml").write_text(TOPOLOGY, encoding="utf-8")
        shutil.copytree(ROOT / "schemas", project / "schemas")
        topology = load(project / "topology.yaml")
        Contracts.provisional(project / "schemas", topology).lock.write(project / "schemas" / "ids.lock")
        return topology

    def projector(self, *flags: str) -> subprocess.Popen[bytes]:
        env = os.environ | {
            "BUS_BUS_DSN": self.settings.bus_dsn or "",
            "BUS_HOME": str(self.settings.home),
            "BUS_PROJECT": str(self.settings.project),
        }
        return subprocess.Popen([sys.executable, "-m", "bus", "projector", "run", *flags], cwd=ROOT, env=env)

    def publish(self, messages: list[Message]) -> None:
        self.relay.publish(messages)

    def told(self, subscription: str) -> list[Record]:
        """All of a department's topic, read with its own user."""
        broker = KafkaBroker(self.wiring.client(subscription))
        topic = self.topology.narrowed(subscription, ENTITY)
        ends = broker.ends([topic])
        reader = broker.subscribe(subscription.replace("_", "-"), [topic], {})
        found: list[Record] = []
        deadline = time.monotonic() + 60
        while any(reader.position()[place] < end for place, end in ends.items()) and time.monotonic() < deadline:
            found += reader.poll(5000, 0.5)
        reader.close()
        broker.close()
        return found

    def size(self, subscription: str) -> int:
        return sum(self.hearer.ends([self.topology.narrowed(subscription, ENTITY)]).values())


@pytest.fixture
def scene(stack, database, tmp_path) -> Iterator[Scene]:
    made = Scene(stack, tmp_path, database("bus"))
    yield made
    made.relay.close()
    made.hearer.close()


def speak(scene: Scene, people: list[Person], count: int) -> list[Message]:
    """`count` versions of people in turn; what nobody is granted holds canaries."""
    said = []
    for index in range(count):
        person = people[index % len(people)]
        old = person.before or image(name__full=f"名{person.key}", juminhyo_code="canary-juminhyo", sex="1")
        new = changed(old, sex="canary-sex") if index % 3 else changed(old, name__full=f"名{index}", sex="1")
        said.append(message(person.says(new), person.number % 4, scene.canonical))
    return said


def test_killed_in_the_middle_again_and_again(scene: Scene):
    people = [Person(f"{number:015d}", number) for number in range(PERSONS)]
    for _ in range(KILLS):
        before = scene.size(HEARER)
        scene.publish(speak(scene, people, ROUND))
        child = scene.projector()
        deadline = time.monotonic() + 60
        while scene.size(HEARER) == before and time.monotonic() < deadline:
            assert child.poll() is None
            time.sleep(0.01)
        child.kill()
        child.wait()
    assert scene.projector("--until-idle", "--quiet").wait(timeout=120) == 0

    told = scene.told(HEARER)
    contract = scene.contracts.narrowed(HEARER, ENTITY)
    firsts: dict[str, dict[int, bytes]] = {person.key: {} for person in people}
    for record in told:
        framing.check(record, contract)
        read = contract.read(record.value)
        known = firsts[read["key"]].setdefault(read["version"], record.value)
        assert known == record.value, "said again, but not in the same bytes"
    for versions in firsts.values():
        assert list(versions) == list(range(1, KILLS * ROUND // PERSONS + 1))
    assert len(told) >= KILLS * ROUND
    assert canaries(told, ["canary-juminhyo", "canary-sex"]) == []
    print(f"{len(told) - KILLS * ROUND} of {KILLS * ROUND} were said twice")


def test_hostile_records_hold_their_persons_and_the_others_go_on(scene: Scene):
    good, bad = Person("000000000000901", 901), Person("000000000000902", 902)
    first, second, third = speak(scene, [bad], 3)
    scene.publish([first, second._replace(value=(second.value or b"")[:-3]), *speak(scene, [good], 3), third])
    scene.publish([Message(first.topic, b"\xff\0", None, (("h", b"\x1b[31m"),), 0)])

    assert scene.projector("--until-idle", "--quiet").wait(timeout=60) == 0

    contract = scene.contracts.narrowed(HEARER, ENTITY)
    read = [contract.read(record.value) for record in scene.told(HEARER)]
    mine = sorted((one["key"], one["version"], one["mode"]) for one in read if one["key"].startswith("0000000000009"))
    assert [(key[-3:], version) for key, version, _ in mine] == [("901", 1), ("901", 2), ("901", 3), ("902", 1)]
    assert mine[0][2] == DATA
    held = {
        key: [one.code for one in group] for key, group in groupby(scene.positions.held(), lambda one: one.person[2])
    }
    assert held == {b"000000000000902": ["DIGEST", "BEHIND"], b"\xff\0": ["EMPTY"]}
