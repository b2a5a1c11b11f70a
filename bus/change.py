"""What may a connector ask of a database? Two things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = tuple[Any, ...]  # values in the order of the table's columns (store.Table.columns)


@dataclass(frozen=True, slots=True)
class Keep:
    """The rows `key` owns in `table` are now exactly `rows`; none removes them."""

    table: str
    key: str
    rows: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Append:
    """One more row in `table`, once per event; with `follows`, only if a row of that event stands there."""

    table: str
    row: Row
    follows: str | None = None  # the event that is corrected or annulled


Change = Keep | Append
