"""Whose rows are these? Merged, split again, given another number, back after years: from register to tables."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest

from bus.register.entry import Entry
from bus.settings import ROOT
from bus.wiring import Wiring
from tests.conftest import Running, start

pytestmark = pytest.mark.stack
DEPARTMENTS = ("kokuho", "kaigo")  # everybody concerns the first; of the second, who has attained 40


class Town:
    """A register, and everything that follows until two departments have it in their tables."""

    def __init__(self, running: Running) -> None:
        self.home, self.wiring = running.home, Wiring(running.settings)
        contract, town = self.wiring.contracts.canonical(), self.wiring.topology.town
        self.entry = Entry.open(self.wiring.engine("register"), contract, town)
        self.hour = 0

    def act(self, reason: str, day: str, *persons: str | None, **more: Any) -> list[Any]:
        """The events of one act, recorded on its day."""
        self.hour += 1
        given = [one if isinstance(one, Mapping) else {"key": one} for one in persons]
        instant = f"{day}T09:{self.hour:02d}:00+09:00"
        request = {"reason": reason, "effective": day, "persons": given, "recorded": instant, **more}
        return self.entry.enter(request)

    def arrives(self, name: str, born: str, day: str = "2020-04-01", key: str | None = None) -> str:
        cells = {"name.full": name, "birth": born, "address.town": "北一丁目", "address.lot": "１番"}
        (event, *_) = self.act("TENNYU", day, {"key": key, "set": cells}, household="new")
        return event.key

    def goes_round(self) -> None:
        for words in (("relay", "run"), ("projector", "run"), *(("connector", "run", one) for one in DEPARTMENTS)):
            self.call(*words, "--until-idle")

    def call(self, *words: str) -> Any:
        command = [sys.executable, "-m", "bus", *words, "--home", str(self.home), "--json", "--quiet"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def held(self, department: str, key: str) -> tuple[int, str | None, list[str]]:
        """(rows kept of a person's own, under whom the person is known now, former numbers)"""
        shown = self.call("connector", "show", department, "--key", key)
        return sum(shown["kept"].values()), shown["survivor"], shown["aliases"]

    def status(self, key: str, effective: str, known: str) -> str:
        return self.call("fold", "--key", key, "--effective", effective, "--known", known)["status"]

    def heard(self, department: str) -> set[str]:
        """Whose records stand in its topic."""
        topic = self.wiring.topology.narrowed(department, "juki.resident")
        keys: set[str] = set()
        with closing(self.wiring.broker(department)) as broker:
            ends = broker.ends([topic])
            reader = broker.subscribe(department, [topic], {})
            while any(reader.position().get(place, 0) < end for place, end in ends.items()):
                keys |= {(record.key or b"").decode() for record in reader.poll(500, 0.2)}
            reader.close()
        return keys


@pytest.fixture
def town(homes) -> Town:
    return Town(start(homes()))


def test_records_that_become_one_are_one_in_every_department_and_a_wrong_merge_is_split(town: Town):
    taro, double = town.arrives("見本　太郎", "1950-05-05"), town.arrives("見本　太郎", "1950-05-05")
    child, twin = town.arrives("見本　芽衣", "2018-04-01"), town.arrives("見本　芽衣", "2018-04-01")
    town.act("TOGO", "2026-04-06", taro, double)
    wrong = town.act("TOGO", "2026-04-06", child, twin)
    town.goes_round()

    for department in DEPARTMENTS:
        assert town.held(department, double) == (0, taro, [])
        assert town.held(department, taro) == (1, None, [double])
    assert town.held("kokuho", twin) == (0, child, [])
    assert town.heard("kaigo") == {taro, double}  # of the children it has never heard, and hears nothing now
    assert town.status(double, "2026-04-07", "2026-04-07") == "merged"

    town.act("TOGO_TORIKESHI", "2026-04-07", supersedes=wrong[0].id)
    town.goes_round()

    assert town.held("kokuho", twin) == (1, None, [])
    assert town.held("kokuho", child) == (1, None, [])
    assert town.heard("kaigo") == {taro, double}
    assert town.status(twin, "2026-04-08", "2026-04-06T23:00:00+09:00") == "merged"
    assert town.status(twin, "2026-04-08", "2026-04-08") == "resident"


def test_who_gets_another_number_keeps_the_old_one_as_an_alias(town: Town):
    old = town.arrives("見本　次郎", "1960-06-06")
    events = town.act("FUBAN_KAE", "2026-04-06", old, None)
    new = next(event.key for event in events if event.key != old)
    town.goes_round()

    for department in DEPARTMENTS:
        assert town.held(department, old) == (0, new, [])
        assert town.held(department, new) == (1, None, [old])
    assert (town.status(old, "2026-04-07", "2026-04-07"), town.status(new, "2026-04-07", "2026-04-07")) == (
        "merged",
        "resident",
    )


def test_who_comes_back_after_years_is_the_same_person(town: Town):
    key = town.arrives("見本　三郎", "1955-01-01", day="2018-04-01")
    town.act("TENSHUTSU", "2020-03-31", key)
    town.goes_round()
    gone = {department: town.held(department, key)[0] for department in DEPARTMENTS}

    assert town.arrives("見本　三郎", "1955-01-01", day="2026-04-06", key=key) == key
    town.goes_round()

    assert gone == {"kokuho": 1, "kaigo": 1}  # an address elsewhere, for what is still to be settled
    assert {department: town.held(department, key)[0] for department in DEPARTMENTS} == {"kokuho": 1, "kaigo": 1}
    days = ("2019-01-01", "2022-01-01", "2026-04-07")
    assert [town.status(key, day, "2026-04-08") for day in days] == ["resident", "moved_out", "resident"]
