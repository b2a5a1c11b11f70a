"""How is a comparison made that deserves belief? Equal results first, then interleaved rounds, medians and ranges."""

from __future__ import annotations

import gc
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

from bus.errors import BusError, Difference, Usage

Say = Callable[[str], None]


class Missed(BusError):
    """A ratio is below its target."""

    exit = 1
    code = "TARGET_MISSED"


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    run: Callable[[], Any]  # does the whole work once; what it returns is compared
    unfair: str | None = None  # why it is shown but not compared with a target
    before: Callable[[], Any] = lambda: None  # makes the same ground for each run; not timed


@dataclass(slots=True)
class Race:
    """One piece of work done by us and by others."""

    name: str
    work: int  # how many events one run handles
    ours: Contender
    peers: Sequence[Contender]
    targets: Mapping[str, float] = field(default_factory=dict)  # peer -> ratio that we promise
    same: Callable[[Any, Any], bool] = lambda ours, theirs: bool(ours == theirs)
    clock: Callable[[], float] = time.perf_counter  # time.process_time where nothing is waited for

    def measure(self, rounds: int, say: Say = lambda _: None) -> dict[str, Any]:
        self.ours.before()
        expected = self.ours.run()
        for peer in self.peers:
            peer.before()
            if not self.same(expected, peer.run()):
                raise Difference(
                    f"{self.name}: {peer.name} comes to another result; nothing is timed", code="BENCH_DIFFERS"
                )
        times: dict[str, list[float]] = {one.name: [] for one in (self.ours, *self.peers)}
        for number in range(rounds):
            for one in (self.ours, *self.peers):
                one.before()
                times[one.name].append(_timed(one.run, self.clock))
            say(f"{self.name}: round {number + 1} of {rounds}")
        return self.result(rounds, times)

    def result(self, rounds: int, times: Mapping[str, list[float]]) -> dict[str, Any]:
        ours = self._figures(times[self.ours.name])
        peers = {one.name: self._figures(times[one.name]) for one in self.peers}
        ratio = {name: _ratio(times[name], times[self.ours.name]) for name in peers}
        missed = [name for name, target in self.targets.items() if name in ratio and ratio[name] < target]
        return {
            "name": self.name, "work": self.work, "rounds": rounds, "ours": ours, "peers": peers, "ratio": ratio,
            "targets": {name: target for name, target in self.targets.items() if name in ratio}, "missed": missed,
        }  # fmt: skip

    def _figures(self, times: Sequence[float]) -> dict[str, Any]:
        middle = median(times)
        return {
            "per_second": round(self.work / middle),
            "micros_each": round(middle / self.work * 1e6, 2),
            "seconds": {"median": middle, "least": min(times), "most": max(times)},
        }


def _ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """The median of the rounds' ratios: what slows a whole round down slows both."""
    return round(median(their / our for their, our in zip(theirs, ours, strict=True)), 2)


def _timed(run: Callable[[], Any], clock: Callable[[], float]) -> float:
    gc.collect()
    start = clock()
    run()
    return clock() - start


def versions(*packages: str) -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


# name -> module with `races(peers, settings)` (what is run) and PACKAGES (whose versions are printed)
KNOWN: dict[str, str] = {"codec": "bus.kit.bench_codec", "apply": "bus.kit.bench_apply"}


def run(name: str, peers: Sequence[str], rounds: int, wiring: Any, say: Say) -> dict[str, Any]:
    """One document: the first race is the head of it, all of them are in `races`."""
    if name not in KNOWN:
        raise Usage(f"there is no benchmark {name}", hint=", ".join(KNOWN))
    module = import_module(KNOWN[name])
    races = [race.measure(rounds, say) for race in module.races(peers, wiring)]
    head = dict(races[0])
    head.pop("missed")
    missed = {race["name"]: race["missed"] for race in races if race["missed"]}
    return head | {"name": name, "races": races, "missed": missed, "versions": versions(*module.PACKAGES)}
