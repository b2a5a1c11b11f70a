"""What does the notebook of a processor promise, without a database? A twin that passes the same suite."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bus.broker import Offsets
from bus.disclosure.positions import BEHIND, Held, Person, Place
from bus.errors import Fenced
from bus.event import Event
from bus.processor.fold import Spoken, State, spoken_by
from bus.processor.notebook import Counts, Position, Standing, Turn


@dataclass
class _Book:
    holder: str = ""
    epoch: int = 0
    renewed: float = 0.0
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)  # as JSON, so that nothing is shared
    seen: dict[str, Position] = field(default_factory=dict)
    said: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    held: dict[Place, Held] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)


class MemoryNotebook:
    """Outlives whoever uses it. `outbox`: all that was said, in order; `check` may refuse what a turn says."""

    def __init__(self, check: Callable[[Sequence[Event]], None] = lambda _: None) -> None:
        self.outbox: list[Event] = []
        self._check = check
        self._books: dict[str, _Book] = {}
        self._lock = threading.RLock()

    def _of(self, name: str) -> _Book:
        return self._books.setdefault(name, _Book())

    def _owned(self, name: str, epoch: int) -> _Book:
        book = self._of(name)
        if book.epoch != epoch:
            raise Fenced(f"another process runs {name} now")
        book.renewed = time.time()
        return book

    def prepare(self) -> None:
        """Nothing is missing."""

    def claim(self, name: str, holder: str, lease: float) -> int | None:
        with self._lock:
            book = self._of(name)
            if book.holder not in ("", holder) and time.time() - book.renewed < lease:
                return None
            book.holder, book.epoch, book.renewed = holder, book.epoch + 1, time.time()
            return book.epoch

    def renew(self, name: str, epoch: int) -> None:
        self._owned(name, epoch)

    def release(self, name: str, epoch: int) -> None:
        book = self._of(name)
        if book.epoch == epoch:
            book.renewed = 0.0

    def owner(self, name: str) -> tuple[str, int, datetime] | None:
        book = self._books.get(name)
        return None if book is None or not book.epoch else (book.holder, book.epoch, _at(book.renewed))

    def offsets(self, name: str) -> Offsets:
        return dict(self._of(name).offsets)

    def recall(self, name: str, keys: Sequence[str]) -> Mapping[str, State]:
        memory = self._of(name).memory
        return {key: json.loads(memory[key]) for key in keys if key in memory}

    def keys(self, name: str, prefix: str, after: str = "", limit: int | None = None) -> Sequence[str]:
        return sorted(key for key in self._of(name).memory if key.startswith(prefix) and key > after)[:limit]

    def seen(self, name: str, persons: Sequence[str]) -> Mapping[str, Position]:
        seen = self._of(name).seen
        return {person: seen[person] for person in persons if person in seen}

    def spoken(self, name: str, keys: Sequence[str]) -> Mapping[str, Spoken]:
        said = self._of(name).said
        return {key: Spoken(*said[key][:2], json.loads(said[key][2])) for key in keys if key in said}

    def commit(self, name: str, epoch: int, turn: Turn) -> None:
        """Everything that can fail comes first: a transaction without a rollback."""
        with self._lock:
            book = self._owned(name, epoch)
            written = {key: None if state is None else json.dumps(state) for key, state in turn.states.items()}
            said = {event.key: (*spoken_by(event)[:2], json.dumps(event.data)) for event in turn.said}
            self._check(turn.said)
            book.offsets.update(turn.upto)
            for key, state in written.items():
                if state is None:
                    book.memory.pop(key, None)
                else:
                    book.memory[key] = state
            book.seen.update(turn.seen)
            book.said.update(said)
            self.outbox += turn.said
            for held in turn.held:
                since = book.held[held.place].since if held.place in book.held else _at(time.time())
                book.held[held.place] = Held(held.record, held.code, since)
            for place in turn.settled:
                book.held.pop(place, None)
            until, asked = book.standing
            book.standing = Standing(None if turn.rebuilt else until, None if turn.released else asked)

    def standing(self, name: str) -> Standing:
        return self._of(name).standing

    def rebuild(self, name: str, epoch: int, upto: Offsets) -> None:
        book = self._owned(name, epoch)
        book.offsets.clear()
        book.seen.clear()
        book.standing = Standing(dict(upto), book.standing.asked)

    def ask(self, name: str, why: str) -> None:
        book = self._of(name)
        book.standing = Standing(book.standing.rebuilding, why)

    def held(self, name: str, person: Person | None = None, *, decided: bool = False) -> Sequence[Held]:
        everything = [held for _, held in sorted(self._of(name).held.items())]
        return [h for h in everything if person in (None, h.person) and (h.decision is not None or not decided)]

    def decide(self, name: str, place: Place, decision: str, why: str) -> bool:  # noqa: ARG002  # nobody reads it here
        held = self._of(name).held
        if place not in held or held[place].code == BEHIND:
            return False
        held[place] = held[place]._replace(decision=decision)
        return True

    def counts(self, name: str) -> Counts:
        book = self._of(name)
        images: list[dict[str, Any]] = [json.loads(image) for _, _, image in book.said.values()]
        return Counts(len(images), sum(bool(image["active"]) for image in images), len(book.memory), len(book.seen))


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
