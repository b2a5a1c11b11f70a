"""Clients of a register that do what makes an outbox hard to read, and remember what they were promised."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from datetime import UTC, datetime

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from bus.dates import Uncertain
from bus.event import Event
from bus.register import outbox

PERSONS = 240
RECORDED = datetime(2026, 4, 1, tzinfo=UTC)


class Bytes:
    """An encoder whose value is easy to tell apart; what the relay carries is opaque to it."""

    size = 0

    def encode(self, event: Event, *, town: str, incarnation: str) -> bytes:
        return f"{event.key}/{event.version}/{event.id}".encode() + b"." * self.size


def event(key: str, version: int) -> Event:
    return Event(str(uuid.uuid4()), "AMEND", "TENKYO", key, version, Uncertain("2026-04-01"), RECORDED, {})


def install(engine: Engine, shards: int = 4) -> None:
    with engine.begin() as db:
        outbox.install(db, shards)
        db.execute(text("CREATE TABLE person (key text PRIMARY KEY, version bigint NOT NULL DEFAULT 0)"))
        db.execute(text("INSERT INTO person SELECT '0' || n FROM generate_series(1, :n) n"), {"n": PERSONS})


def say(db: Connection, key: str, *, size: int = 0) -> Event:
    """The next version of a person, under the person's lock."""
    version = db.execute(
        text("UPDATE person SET version = version + 1 WHERE key = :key RETURNING version"), {"key": key}
    ).scalar_one()
    said = event(key, version)
    encoder = Bytes()
    encoder.size = size
    outbox.put(db, said, contract=encoder, town="999999", incarnation="test")
    return said


class Writers:
    """Threads that commit until told how often is enough. `promised` holds what the database acknowledged."""

    def __init__(self, engine: Engine, threads: int, *, seed: int = 1) -> None:
        self.promised: list[tuple[str, int, str]] = []
        self.counts: Counter[str] = Counter()
        self._engine = engine
        self._enough = 0
        self._failed: list[BaseException] = []
        self._threads = [threading.Thread(target=self._write, args=(seed * 1000 + n,)) for n in range(threads)]

    def start(self, commits: int) -> None:
        self._enough = commits
        for thread in self._threads:
            thread.start()

    @property
    def are_done(self) -> bool:
        return self.counts["commits"] >= self._enough

    def join(self) -> None:
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()
        assert not self._failed, self._failed

    def _write(self, seed: int) -> None:
        rng = random.Random(seed)
        try:
            with self._engine.connect() as db:
                while not self.are_done:
                    self._transaction(db, rng)
        except BaseException as error:  # noqa: BLE001 — told in the test's own thread
            self._failed.append(error)

    def _transaction(self, db: Connection, rng: random.Random) -> None:
        """Half own a transaction id long before they lock a person; some take very long; persons come in any order."""
        said: list[Event] = []
        try:
            if rng.random() < 0.5:
                db.execute(text("SELECT pg_current_xact_id()"))
                time.sleep(rng.random() * 0.01)
            if rng.random() < 0.01:
                time.sleep(0.3 + rng.random())
                self.counts["long"] += 1
            for key in rng.sample(range(1, PERSONS + 1), rng.randint(1, 3)):
                said.append(say(db, f"0{key}"))
                if rng.random() < 0.2:
                    time.sleep(rng.random() * 0.01)
            if rng.random() < 0.1:
                db.rollback()
                self.counts["rollbacks"] += 1
                return
            db.commit()
        except OperationalError as error:
            if not isinstance(error.orig, (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable)):
                raise
            db.rollback()
            self.counts["deadlocks"] += 1
            return
        self.counts["commits"] += 1
        self.promised.extend((one.key, one.version, one.id) for one in said)
