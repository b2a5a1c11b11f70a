"""Which codes does a list have, since which version, and what do they mean?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bus.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class CodeList:
    name: str
    version: int
    rows: Mapping[str, Mapping[str, Any]]  # code -> everything that is said of it

    def __contains__(self, code: object) -> bool:
        return code in self.rows

    def name_of(self, code: str, lang: str = "ja") -> str:
        return str(self.rows[code][f"name_{lang}"])


def load(schemas: Path, name: str) -> CodeList:
    """The list schemas/codes/<name>.yaml. Codes are texts: 01 and 1 are two."""
    path = schemas / "codes" / f"{name}.yaml"
    try:
        document = YAML(typ="safe").load(path.read_text())
    except (OSError, YAMLError) as error:
        raise Misconfigured(f"cannot be read: {type(error).__name__}", where=str(path)) from None
    rows = document["codes"]
    bad = [row for row in rows if not isinstance(row.get("code"), str) or "name_ja" not in row]
    codes = [row["code"] for row in rows if row not in bad]
    if bad or len(set(codes)) != len(codes):
        raise Misconfigured("each code is a text, once, with its name_ja", code="CODES", where=str(path))
    return CodeList(name, int(document["version"]), {row["code"]: row for row in rows})
