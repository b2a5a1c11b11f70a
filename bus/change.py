"""What may a connector ask of a database? Two things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

Row = tuple[Any, ...]  # values in the order of the table's columns (store.Table.columns)


class Keep(NamedTuple):
    """The rows `key` owns in `table` are now exactly `rows`; none removes them."""

    table: str
    key: str
    rows: Sequence[Row] = ()


class Append(NamedTuple):
    """One more row in `table`, once per event; with `follows`, only if a row of that event stands there."""

    table: str
    row: Row
    follows: str | None = None  # the event that is corrected or annulled


Change = Keep | Append
