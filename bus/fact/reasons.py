"""Why can a fact change? Data from schemas/codes/fact_reason.yaml, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML

from bus.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Reason:
    """An entry of schemas/codes/fact_reason.yaml."""

    reason: str
    name_ja: str
    kind: str
    rule: str
    corrects: bool = False
    annuls: bool = False

    @property
    def names_another(self) -> bool:
        """Does it concern an earlier event, which must be named?"""
        return self.corrects or self.annuls


@lru_cache
def reasons(schemas: Path) -> Mapping[str, Reason]:
    path = schemas / "codes" / "fact_reason.yaml"
    if not path.is_file():
        raise Misconfigured(f"{path.name} is missing", where=str(path))
    return {entry["reason"]: Reason(**entry) for entry in YAML(typ="safe").load(path)}
