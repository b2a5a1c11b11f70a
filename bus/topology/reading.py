"""What does a YAML file say, line by line, and what in it could be misread? (YAML 1.2; nothing is guessed.)"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bus.errors import Misconfigured

_TEXT, _INT, _NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Place:
    """A value and the line it stands on: text, an int, None, a tuple of places, or a dict of places."""

    value: Any
    line: int


class Reading:
    """Collects every mistake; `done` raises them all at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mistakes: list[tuple[int, str]] = []

    def wrong(self, at: Place | int, what: str) -> None:
        self.mistakes.append((at.line if isinstance(at, Place) else at, what))

    def done(self) -> None:
        if self.mistakes:
            raise Misconfigured.all([f"{self.path.name}:{line}: {what}" for line, what in sorted(set(self.mistakes))])

    def root(self) -> Place:
        """The document. A file that is no YAML at all is the only mistake then."""
        yaml = YAML(typ="rt", pure=True)
        try:
            text = self.path.read_text(encoding="utf-8")
            for event in YAML(typ="rt", pure=True).parse(text):
                if isinstance(event, AliasEvent):
                    self.wrong(event.start_mark.line + 1, "an alias (*) hides who is granted what; write it out")
            node = yaml.compose(text)
        except OSError as error:
            raise Misconfigured(
                f"{self.path} cannot be read: {error.strerror}", hint="every project has one"
            ) from error
        except UnicodeDecodeError as error:
            raise Misconfigured.all([f"{self.path.name}:1: this is not UTF-8"]) from error
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise Misconfigured.all([f"{self.path.name}:{line}: no YAML: {error.problem}"]) from error
        return self._place(node) if node is not None else Place({}, 1)

    def _place(self, node: Node) -> Place:
        line = node.start_mark.line + 1
        if isinstance(node, ScalarNode):
            return Place(self._scalar(node, line), line)
        if isinstance(node, SequenceNode):
            return Place(tuple(self._place(child) for child in node.value), line)
        assert isinstance(node, MappingNode)
        found: dict[str, Place] = {}
        for key, value in node.value:
            at = key.start_mark.line + 1
            if not isinstance(key, ScalarNode) or key.tag != _TEXT or key.value == "<<":
                self.wrong(at, "a key must be plain text (quote it)")
            elif key.value in found:
                self.wrong(at, f"{key.value} is said twice")
            else:
                found[key.value] = self._place(value)
        return Place(found, line)

    def _scalar(self, node: ScalarNode, line: int) -> Any:
        if node.tag == _TEXT:
            return node.value
        if node.tag == _NULL:
            return None
        if node.tag == _INT and node.value.isdigit() and (node.value == "0" or node.value[0] != "0"):
            return int(node.value)
        self.wrong(line, f"{node.value} could be read as something else than text; quote it")
        return node.value

    def fields(self, at: Place, what: str, known: dict[str, bool]) -> dict[str, Place]:
        """The keys of a mapping; `known` says which there are and whether they must be given."""
        if not isinstance(at.value, dict):
            self.wrong(at, f"{what} must be a mapping")
            return {}
        for key, value in at.value.items():
            if key not in known:
                self.wrong(value, f"{what}: unknown key {key}; known are {', '.join(known)}")
        for key, needed in known.items():
            if needed and key not in at.value:
                self.wrong(at, f"{what}: {key} is missing")
        return {key: value for key, value in at.value.items() if key in known}

    def text(self, at: Place | None, what: str) -> str:
        if at is None:
            return ""
        if not isinstance(at.value, str):
            self.wrong(at, f"{what} must be text (quote it)")
            return ""
        if not at.value.strip():
            self.wrong(at, f"{what} is empty")
        return at.value.strip()

    def number(self, at: Place | None, what: str, low: int, high: int, default: int) -> int:
        if at is None:
            return default
        if not isinstance(at.value, int) or not low <= at.value <= high:
            self.wrong(at, f"{what} must be a number from {low} to {high}")
            return default
        return at.value
