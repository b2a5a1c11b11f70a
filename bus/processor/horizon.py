"""Until when has everything been read? By the broker's own stamps, so that no two clocks are compared.

A record stamped before the horizon is in no partition unread: whoever waits for it longer than that waits in vain.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from bus.broker import Broker, Offsets, Record
from bus.processor.fold import State


class Horizon:
    """And what waits: the memory keys of acts of which a row is missing, with the stamp of their first one."""

    def __init__(self, broker: Broker, topics: Sequence[str]) -> None:
        self._broker, self._topics = broker, topics
        self._waiting: dict[str, int] = {}
        self._brief: set[str] = set()  # those among them that wait only until everything is read
        self._newest, self._at = 0, time.monotonic()  # the latest stamp, and when we saw it by our own clock
        self._goal: tuple[Offsets, int] | None = None  # once all of this is read, the horizon is that

    def start(self, waiting: Mapping[str, State]) -> None:
        self._waiting, self._brief, self._goal = {}, set(), None
        self.remember(waiting)
        self._newest, self._at = max([self._newest, *self._waiting.values()]), time.monotonic()

    def took(self, records: Sequence[Record]) -> None:
        if records:
            self._newest = max(self._newest, *(record.timestamp for record in records))
            self._at = time.monotonic()

    def remember(self, states: Mapping[str, State | None]) -> None:
        for key, state in states.items():
            if state is None or state["released"]:
                self._waiting.pop(key, None)
                self._brief.discard(key)
            else:
                self._waiting[key] = state["stamp"]
                self._brief |= {key} if state["is_brief"] else set()

    @property
    def is_clear(self) -> bool:
        """Nothing waits that will soon be released."""
        return not self._brief

    def waiting(self) -> list[str]:
        return sorted(self._waiting)

    def overdue(self, hold: float, here: Offsets) -> list[str]:
        """What has waited `hold` seconds before the horizon."""
        if not self._waiting:
            self._goal = None
            return []
        horizon = 0
        if self._goal is not None and all(here.get(place, 0) >= end for place, end in self._goal[0].items()):
            horizon, self._goal = self._goal[1], None
        if self._goal is None:
            now = self._now()  # before the ends are asked for: what is stamped earlier lies before them
            self._goal = self._broker.ends(self._topics), now
        late = horizon - hold * 1000
        return sorted(k for k, stamp in self._waiting.items() if stamp < (horizon if k in self._brief else late))

    def _now(self) -> int:
        """Never later than the broker's clock: its last stamp, and the time we have seen pass since."""
        return self._newest + int((time.monotonic() - self._at) * 1000)
