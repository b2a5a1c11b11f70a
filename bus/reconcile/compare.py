"""Do a department's tables equal what the register says? Table, number of keys, columns; never a key or a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bus.change import Row
from bus.store import Store, Table


@dataclass(slots=True)
class Finding:
    """One table: keys are persons in a kept table, events in an appended one."""

    table: str
    expected: int = 0
    actual: int = 0
    missing: int = 0
    extra: int = 0
    differing: int = 0
    columns: dict[str, int] = field(default_factory=dict)  # column -> in how many keys it differs

    @property
    def equal(self) -> bool:
        return not (self.missing or self.extra or self.differing)

    def as_dict(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "expected": self.expected,
            "actual": self.actual,
            "missing": self.missing,
            "extra": self.extra,
            "differing": self.differing,
            "columns": self.columns,
            "equal": self.equal,
        }


Tables = Mapping[str, Mapping[str, Sequence[Row]]]  # table -> key or event id -> rows
Held = Mapping[str, Collection[str]]


def compare(tables: Iterable[Table], expected: Tables, store: Store, held: Held | None = None) -> list[Finding]:
    """`held`: table -> keys and event ids that wait for a decision there and are left out on both sides."""
    waiting = held or {}
    return [
        _table(table, expected[table.name], store.rows(table.name), waiting.get(table.name, ())) for table in tables
    ]


def _table(table: Table, expected: Mapping[str, Sequence[Row]], rows: Iterable[Row], held: Collection[str]) -> Finding:
    actual: dict[str, list[Row]] = {}
    for row in rows:
        if str(row[0]) not in held:
            actual.setdefault(str(row[0]), []).append(row)
    wanted = {key: rows for key, rows in expected.items() if key not in held}
    finding = Finding(table.name, expected=len(wanted), actual=len(actual))
    finding.missing = len(wanted.keys() - actual.keys())
    finding.extra = len(actual.keys() - wanted.keys())
    columns: Counter[str] = Counter()
    for key in wanted.keys() & actual.keys():
        if differing := _differing(table, wanted[key], actual[key]):
            finding.differing += 1
            columns.update(differing)
    finding.columns = dict(sorted(columns.items()))
    return finding


def _differing(table: Table, wanted: Sequence[Row], actual: Sequence[Row]) -> list[str]:
    """Names of the columns that differ; `*` when the number of rows does."""
    left, right = _sorted(wanted), _sorted(actual)
    if left == right:
        return []
    if len(left) != len(right):
        return ["*"]
    names = [column.name for column in table.columns]
    return [
        name for index, name in enumerate(names) if any(a[index] != b[index] for a, b in zip(left, right, strict=True))
    ]


def _sorted(rows: Sequence[Row]) -> list[tuple[str | None, ...]]:
    plain = [tuple(_plain(cell) for cell in row) for row in rows]
    return sorted(plain, key=lambda row: tuple((cell is not None, cell or "") for cell in row))


def _plain(cell: Any) -> str | None:
    """One form for all drivers: SQLite has neither dates nor time zones nor booleans."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, datetime):
        return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    return str(cell)
