"""Does the cursor say everything once, per person in order, whatever transactions do? On a simulated database."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from bus.register.cursor import Barrier, Batch, Row, Versions, disorder, reach

NOW = datetime(2026, 4, 1, tzinfo=UTC)


def row(seq: int, key: str = "1", version: int | None = None, *, repeats: bool = False) -> Row:
    return Row(seq, f"e{seq}", "juki.resident", key, seq if version is None else version, NOW, b"", repeats)


class Database:
    """Numbers and transaction ids are drawn before commit, as in PostgreSQL; a person's lock is held until the end."""

    def __init__(self) -> None:
        self.xid = 100
        self.seq = 0
        self.versions: dict[str, int] = {}
        self.locked: set[str] = set()
        self.running: dict[int, list[Row]] = {}
        self.committed: dict[int, Row] = {}
        self.rolled_back = 0

    def begin(self) -> int:
        self.xid += 1
        self.running[self.xid] = []
        return self.xid

    def write(self, xid: int, key: str) -> None:
        if key in self.locked:
            return
        self.locked.add(key)
        self.seq += 1
        self.running[xid].append(row(self.seq, key, self.versions.get(key, 0) + 1))

    def end(self, xid: int, *, commit: bool) -> None:
        for written in self.running.pop(xid):
            self.locked.discard(written.key)
            if commit:
                self.versions[written.key] = written.version
                self.committed[written.seq] = written
            else:
                self.rolled_back += 1

    def read(self, after: int, limit: int) -> Batch:
        rows = [self.committed[seq] for seq in sorted(self.committed) if seq > after][:limit]
        return Batch(rows, min(self.running, default=self.xid + 1))

    def bound(self) -> Barrier:
        seq = max(self.committed)
        self.xid += 1
        return Barrier(seq, self.xid)


@given(st.integers(0, 2**32), st.integers(1, 7))
def test_everything_committed_is_said_once_and_per_person_in_order(seed, limit):
    random_ = random.Random(seed)
    database, said, cursor, barrier = Database(), [], 0, None

    def relay() -> None:
        nonlocal cursor, barrier
        batch = database.read(cursor, limit)
        found = reach(batch, cursor, barrier)
        if found.hole is not None and not found.bounded:
            barrier = database.bound()
        said.extend(batch.rows[: found.rows])
        cursor = found.cursor

    for _ in range(200):
        match random_.choice(("begin", "write", "write", "end", "relay")):
            case "begin" if len(database.running) < 5:
                database.begin()
            case "write" if database.running:
                database.write(random_.choice(list(database.running)), random_.choice("abc"))
            case "end" if database.running:
                database.end(random_.choice(list(database.running)), commit=random_.random() < 0.7)
            case "relay":
                relay()
    for xid in list(database.running):
        database.end(xid, commit=True)
    for _ in range(3 * len(database.committed) + 3):
        relay()

    assert sorted(r.seq for r in said) == sorted(database.committed)
    for key in "abc":
        assert [r.version for r in said if r.key == key] == list(range(1, database.versions.get(key, 0) + 1))


def test_a_hole_is_waited_for_until_every_older_transaction_has_ended():
    rows = [row(1), row(3, "2", 1)]

    first = reach(Batch(rows, xmin=50), 0, None)
    waiting = reach(Batch(rows[1:], xmin=50), 1, Barrier(3, 60))
    over = reach(Batch(rows[1:], xmin=60), 1, Barrier(3, 60))

    assert (first.rows, first.cursor, first.hole, first.bounded) == (1, 1, 2, False)
    assert (waiting.rows, waiting.hole, waiting.bounded) == (0, 2, True)
    assert (over.rows, over.cursor, over.skipped, over.hole) == (1, 3, 1, None)


def test_a_barrier_says_nothing_about_numbers_drawn_after_it():
    found = reach(Batch([row(5)], xmin=1_000), 3, Barrier(3, 60))

    assert (found.rows, found.hole, found.bounded) == (0, 4, False)


@pytest.mark.parametrize(
    ("versions", "known", "wrong"),
    [
        ([1, 2, 3], {}, None),
        ([4, 5], {}, None),  # a person never seen may begin anywhere: older days are dropped
        ([4, 5], {"1": 3}, None),
        ([1, 3], {}, 1),
        ([2, 2], {}, 1),
        ([4], {"1": 2}, 0),
    ],
)
def test_versions_of_a_person_must_follow_one_another(versions, known, wrong):
    rows = [row(seq, "1", version) for seq, version in enumerate(versions, 1)]

    assert disorder(rows, known) == wrong


@pytest.mark.parametrize(
    ("versions", "known", "wrong"),
    [
        ([1, "1", "1", 2, "2", 3], {}, None),  # a text repeats
        (["4", 5], {}, None),
        (["3"], {"1": 3}, None),
        (["3", 4], {"1": 3}, None),
        (["3", 3], {"1": 3}, 1),  # what repeats does not advance …
        (["3", 5], {"1": 3}, 1),
        (["4"], {"1": 3}, 0),  # … nor jump ahead
        (["2"], {"1": 3}, 0),  # … nor bring back what is over
        ([1, 2, "1"], {}, 2),
    ],
)
def test_what_repeats_is_of_exactly_the_version_its_person_has(versions, known, wrong):
    rows = [row(seq, "1", int(version), repeats=isinstance(version, str)) for seq, version in enumerate(versions, 1)]

    assert disorder(rows, known) == wrong


def test_the_memory_of_versions_keeps_the_recent_persons_and_forgets_the_others():
    versions = Versions(limit=2)
    people = [row(seq, str(seq), 1) for seq in range(1, 8)]
    for person in people:
        versions.said([person])

    known, unknown = versions.of(people)

    assert known.keys() | unknown == {person.key for person in people}
    assert people[-1].key in known
    assert people[0].key in unknown
