"""What do tests of facts on PostgreSQL share? The database of a department that exists in tests only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bus.adapters.sql.engine import engine as connect
from bus.adapters.sql.facts import FactBook
from tests.fact.toys import contracts


@pytest.fixture
def book(database: Callable[..., str], tmp_path) -> Iterator[FactBook]:
    made = connect(database("toy"))
    found = FactBook(made, contracts(tmp_path / "schemas"), system="toy", town="999999")
    found.prepare()
    yield found
    made.dispose()
