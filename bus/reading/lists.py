"""Which words does a list in schemas/codes/ have? Reasons, duties, codes and their meanings."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bus.reading.lines import Lines


def reasons(folder: Path, *names: str) -> frozenset[str]:
    """What can be said; empty where a project has no list."""
    paths = [path for name in names if (path := folder / f"{name}.yaml").exists()]
    return frozenset().union(*(_named(path, path.stat().st_mtime_ns) for path in paths))


@cache
def _named(path: Path, _: int) -> frozenset[str]:
    """Read once per state of the file: every connector of a fleet asks for the same lists."""
    entries = Lines(path).content or ()
    return frozenset(str(entry["reason"]) for entry in entries if isinstance(entry, dict) and "reason" in entry)


def codes(path: Path) -> dict[str, str]:
    """schemas/codes/<name>.yaml: the newest meaning of every code."""
    content = Lines(path).content
    rows = content.get("codes", content) if isinstance(content, dict) else content
    pairs = (
        rows.items()
        if isinstance(rows, dict)
        else ((row.get("code"), row) for row in rows or () if isinstance(row, dict))
    )
    return {
        str(code): str(row.get("name_ja") or row.get("name") or row.get("label") or "")
        if isinstance(row, dict)
        else str(row)
        for code, row in pairs
    }
