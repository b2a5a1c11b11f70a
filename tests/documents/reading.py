"""The fenced blocks of a document, with their language."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+/\S+|topology\.yaml)")


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return [body for name, body in FENCE.findall(text) if name == language]


def commands(document: str, program: str = "bus") -> list[list[str]]:
    """Each call of `program` in the document's shell blocks, as words."""
    lines = [line for block in blocks(document, "bash") for line in block.splitlines()]
    calls = [shlex.split(line, comments=True) for line in lines]
    return [call[1:] for call in calls if call[:1] == [program]]


def files(document: str) -> dict[str, str]:
    """Blocks that begin with `# path` are files of an example project."""
    found = {}
    for language in ("yaml", "python"):
        for body in blocks(document, language):
            if match := FILE.match(body):
                found[match[1].rstrip(",")] = body.partition("\n")[2]
    return found
