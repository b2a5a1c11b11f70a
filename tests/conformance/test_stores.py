"""Do all stores keep the same promises?"""

from __future__ import annotations

import pytest

from bus.adapters.memory import MemoryDatabase, MemoryStore
from bus.adapters.sql.store import SqlStore, open_store
from bus.kit.suites import StoreSuite


class TestMemoryStore(StoreSuite):
    @pytest.fixture
    def open(self):
        database = MemoryDatabase()
        return lambda: MemoryStore(database)


class TestSqliteStore(StoreSuite):
    @pytest.fixture
    def open(self, tmp_path):
        opened = []
        yield lambda: opened.append(open_store(f"sqlite:///{tmp_path / 'department.db'}")) or opened[-1]
        for store in opened:
            store.close()


@pytest.mark.stack
class TestPostgresStore(StoreSuite):
    """The fast path: COPY, and the guard in SQL."""

    @pytest.fixture
    def open(self, database):
        dsn = database("store")
        opened = []
        yield lambda: opened.append(open_store(dsn)) or opened[-1]
        for store in opened:
            store.close()


@pytest.mark.stack
class TestPortableStoreOnPostgres(StoreSuite):
    """The portable path on PostgreSQL: what other dialects get."""

    @pytest.fixture
    def open(self, database):
        from bus.adapters.sql.engine import engine

        dsn = database("portable")
        opened = []
        yield lambda: opened.append(SqlStore(engine(dsn))) or opened[-1]
        for store in opened:
            store.close()
