"""Do the notebooks keep what they promise: in memory, in any SQL database, and with the outbox of PostgreSQL?"""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bus.adapters.memory_notebook import MemoryNotebook
from bus.adapters.sql.engine import engine
from bus.adapters.sql.notebook import OutboxOutlet, SqlNotebook
from bus.errors import Reject
from tests.processor.suite import NotebookSuite


def refuse(events, refused):
    if any(event.key == refused for event in events):
        raise Reject("no such fact", code="DATA")


class PlainOutlet:
    """A table instead of the outbox, for databases that have none."""

    def prepare(self, db):
        db.execute(text("CREATE TABLE IF NOT EXISTS told (n INTEGER PRIMARY KEY, key TEXT)"))

    def put(self, db, events, incarnation):
        assert len(incarnation) == 36
        for event in events:
            db.execute(text("INSERT INTO told (key) VALUES (:key)"), {"key": event.key})
        refuse(events, NotebookSuite.REFUSED)


class TestMemoryNotebook(NotebookSuite):
    @pytest.fixture
    def open(self):
        book = MemoryNotebook(lambda events: refuse(events, self.REFUSED))
        return lambda: book

    def said(self, book):
        return [event.key for event in book.outbox]


class TestSqlNotebook(NotebookSuite):
    @pytest.fixture
    def open(self, tmp_path):
        return lambda: SqlNotebook(engine(f"sqlite:///{tmp_path}/bus.db"), PlainOutlet())

    def said(self, book):
        with book._engine.connect() as db:
            return list(db.execute(text("SELECT key FROM told ORDER BY n")).scalars())


class Encoder:
    """Stands for the contract of the fact."""

    town, entity = "999999", "juki.household"

    def encode(self, event, *, town, incarnation):
        refuse([event], NotebookSuite.REFUSED)
        return f"{town} {incarnation}".encode()


@pytest.mark.stack
class TestSqlNotebookOnPostgres(NotebookSuite):
    @pytest.fixture
    def open(self, database):
        dsn = database("bus")
        return lambda: SqlNotebook(engine(dsn), OutboxOutlet(Encoder()))

    def said(self, book):
        with book._engine.connect() as db:
            return list(db.execute(text("SELECT aggregateid FROM bus_outbox ORDER BY seq")).scalars())
