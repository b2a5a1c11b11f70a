"""What stands in a department's own tables? For its staff, who look before they decide; reads only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Engine, text

from bus.adapters.sql.engine import translated
from bus.errors import Misconfigured

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_THERE: Final = text("SELECT to_regclass(:name) IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Files:
    """Rows come as JSON has them: dates are texts. A table that is not there yet is empty."""

    engine: Engine

    def find(self, table: str, **where: Any) -> list[Mapping[str, Any]]:
        """The rows in which all of these columns are so."""
        wanted = " AND ".join(f'"{_plain(column)}" = :{column}' for column in where) or "true"
        return self._rows(table, f"WHERE {wanted} ORDER BY 1", where)

    def sample(self, table: str, count: int, salt: str) -> list[Mapping[str, Any]]:
        """The same few rows for the same salt, whoever asks: drawn by a hash of each row's first column."""
        order = "ORDER BY md5(:salt || (SELECT value FROM jsonb_each_text(to_jsonb(t)) LIMIT 1)) LIMIT :count"
        return self._rows(table, order, {"salt": salt, "count": count})

    def _rows(self, table: str, rest: str, bound: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        with translated(), self.engine.connect() as db:
            if not db.execute(_THERE, {"name": _plain(table)}).scalar_one():
                return []
            found = db.execute(text(f'SELECT to_jsonb(t) AS row FROM "{table}" t {rest}'), dict(bound)).scalars()
            return list(found)


def _plain(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Misconfigured(f"{name!r} is no name of a table or column")
    return name
