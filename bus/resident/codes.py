"""Which reasons and which columns are there, and how is a code read? Data from schemas/, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from bus.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Reason:
    """An entry of schemas/codes/reason.yaml."""

    reason: str
    name_ja: str
    code: str
    group: str
    kind: str
    rule: str
    also: Sequence[str] = ()  # further official codes that this reason covers
    abroad: str | None = None  # the official code where another country is involved
    reverse: Sequence[str] = ()
    uncertain: bool = False
    future: bool = False
    corrects: bool = False
    annuls: bool = False


class Column(NamedTuple):
    """A column of a file layout, and where its cells stand in the image (`key`: the person's key)."""

    name: str
    path: str
    is_date: bool


@lru_cache
def reasons(schemas: Path) -> Mapping[str, Reason]:
    return {entry["reason"]: Reason(**entry) for entry in _read(schemas / "codes" / "reason.yaml")}


def lists(schemas: Path) -> list[tuple[str, str, str]]:
    """Every code of every list: (list, code, its name)."""
    return [
        (path.stem, entry.get("reason") or entry["code"], entry["name_ja"])
        for path in sorted((schemas / "codes").glob("*.yaml"))
        for entry in _read(path)
    ]


@lru_cache
def layout(schemas: Path, name: str) -> tuple[Column, ...]:
    entries = _read(schemas / "layouts" / f"{name}.yaml")
    return tuple(Column(entry["column"], entry["path"], entry.get("date", False)) for entry in entries)


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise Misconfigured(f"{path.name} is missing", where=str(path))
    document = YAML(typ="safe").load(path)
    entries: list[dict[str, Any]] = document["codes"] if isinstance(document, dict) else document
    return entries


def bare(code: str | None) -> str:
    """A code is written as 2 or as 02, as the register came by it: 2. Empty where there is none."""
    return (code or "").lstrip("0")
