"""Are the days of departments' outboxes dropped once everybody who hears them has them, and not before?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from bus.errors import Unavailable
from bus.fact.say import Say
from bus.kit.outboxes.upkeep import Ends
from bus.register.outbox import make_partitions
from bus.register.retire import DROP, KEEP, NOT_OVER, NOTE_CANONICAL, NOTE_NARROWED
from bus.settings import ROOT
from bus.wiring import Wiring

FACTS = {  # the first is heard by zaimu_kaikei only, the second by shutaino only
    "bunsho_kanri": ("bunsho_kanri.document", {"doc_no": "1"}),
    "zaimu_kaikei": ("zaimu_kaikei.bank_result", {"slip_no": "1", "amount": 100}),
}
NOWHERE = "postgresql://nobody:nothing@127.0.0.1:1/nowhere"


class Town:
    def __init__(self, running) -> None:
        self.wiring, self.home = Wiring(running.settings), running.home
        with self.wiring.engine("owner").connect() as db:
            today = db.execute(text("SELECT (transaction_timestamp() AT TIME ZONE 'UTC')::date")).scalar_one()
        self.yesterday = today - timedelta(days=1)

    def say(self, name: str, reason: str, image: dict) -> None:
        self.wiring.facts(name).say(None, [Say(FACTS[name][0], f"{name}/1", reason, image, "2026-04-01")])

    def it_was_yesterday(self, name: str) -> None:
        with self.wiring.facts(name).engine.begin() as db:
            make_partitions(db, self.yesterday, days=1)
            db.execute(text("UPDATE bus_outbox SET created = :day"), {"day": self.yesterday})

    def bus(self, *words: str, **more: str):
        command = [sys.executable, "-m", "bus", *words, "--home", str(self.home), "--json", "--quiet"]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | more, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    def maintained(self, *words: str, **more: str):
        """(exit code, what was done to yesterday, or to the outbox as a whole)"""
        code, found = self.bus("outbox", "maintain", *words, **more)
        mine = {f"bus_outbox_{self.yesterday:%Y%m%d}", None}
        rows = found["days"]
        assert all(row["waits_for"] == NOT_OVER for row in rows if row["day"] not in mine)
        return code, {row["outbox"]: (row["done"], row["waits_for"]) for row in rows if row["day"] in mine}

    def of_both(self, **more: str):
        return self.maintained("--of", "bunsho_kanri", "--of", "zaimu_kaikei", **more)

    def history(self, name: str):
        return [event.reason for event in self.wiring.facts(name).history(FACTS[name][0], f"{name}/1")]


@pytest.fixture
def town(own) -> Iterator[Town]:
    made = Town(own())
    yield made
    for name in FACTS:
        made.wiring.facts(name).engine.dispose()


def test_a_broker_that_did_not_answer_is_not_asked_for_the_next_outbox():
    class Away:
        asked = 0

        def ends(self, topics):
            self.asked += 1
            raise Unavailable("the broker is away")

    broker = Away()
    ends = Ends(broker)

    for _ in range(2):
        with pytest.raises(Unavailable):
            ends(["a"])

    assert broker.asked == 1


@pytest.mark.stack
def test_each_department_s_days_wait_for_its_own_readers_and_for_nobody_else(town):
    for name, (_, image) in FACTS.items():
        town.say(name, "KETTEI", image)
        town.it_was_yesterday(name)
    town.bus("connector", "run", "zaimu_kaikei", "--until-idle")  # it is there, and has heard nothing yet

    unsaid = town.of_both()
    status = town.bus("outbox", "status", "--all", BUS_DEPARTMENT_INKAN=NOWHERE)[1]
    town.bus("relay", "run", "--departments", "--until-idle")
    said = town.of_both()
    town.bus("projector", "run", "--until-idle")
    projected = town.of_both()
    town.bus("connector", "run", "zaimu_kaikei", "--until-idle")
    away = town.of_both(BUS_DEPARTMENT_BUNSHO_KANRI=NOWHERE)
    heard = town.of_both()
    town.bus("connector", "run", "shutaino", "--until-idle")
    every = town.maintained()

    assert unsaid == (0, dict.fromkeys(FACTS, (KEEP, "the relay")))
    assert said == (0, dict.fromkeys(FACTS, (NOTE_CANONICAL, "the projector")))
    assert projected == (
        0, {"bunsho_kanri": (NOTE_NARROWED, "zaimu_kaikei"), "zaimu_kaikei": (NOTE_NARROWED, "shutaino")}
    )  # fmt: skip
    assert away == (6, {"bunsho_kanri": (KEEP, "DATABASE"), "zaimu_kaikei": (KEEP, "shutaino")})
    assert heard == (0, {"bunsho_kanri": (DROP, None), "zaimu_kaikei": (KEEP, "shutaino")})
    assert every == (0, {"zaimu_kaikei": (DROP, None)})
    assert_all_are_told(status)
    assert_departments_go_on(town)


def assert_all_are_told(status) -> None:
    rows = {row["outbox"]: row for row in status["outboxes"]}
    assert status["unpublished"] == 2
    assert (rows["register"]["unpublished"], rows["bunsho_kanri"]["unpublished"]) == (0, 1)
    assert (rows["inkan"]["unpublished"], rows["inkan"]["error"]) == (None, "DATABASE")


def assert_departments_go_on(town) -> None:
    """Without the rows of the past: the trigger asks for the row of this transaction only, the history is whole."""
    for name in FACTS:
        town.say(name, "SHURYO", {})
    published = town.bus("relay", "run", "--departments", "--until-idle")[1]["published"]

    assert published == 2
    assert {name: town.history(name) for name in FACTS} == {name: ["KETTEI", "SHURYO"] for name in FACTS}
