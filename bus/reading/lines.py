"""What does a YAML file say, and on which line?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from bus.errors import Misconfigured


class Lines:
    """A YAML 1.2 file with the place of everything in it, and the mistakes found so far, each as `file:line: what`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = "/".join(path.parts[-3:])
        self.mistakes: list[str] = []
        self.content: Any = self._read()

    def _read(self) -> Any:
        try:
            return YAML(typ="rt").load(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.mistakes.append(f"{self.name}:1: there is no such file")
        except UnicodeDecodeError:
            self.mistakes.append(f"{self.name}:1: is not UTF-8")
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self.mistakes.append(f"{self.name}:{line}: is not YAML: {error.problem}")
        return None

    def mistake(self, holder: Any, key: Any, what: str) -> None:
        """`key` of the mapping or sequence `holder` is wrong; None: the holder itself is."""
        self.mistakes.append(f"{self.name}:{line(holder, key)}: {what}")

    def mapping(self, value: Any, holder: Any, key: Any, allowed: tuple[str, ...] | None = None) -> dict[str, Any]:
        """The value, if it is a mapping with text keys of the allowed ones only; else an empty one, and a mistake."""
        if not isinstance(value, dict):
            self.mistake(holder, key, f"{'the file' if key is None else key} has to be a mapping")
            return {}
        for name in value:
            if not isinstance(name, str):
                self.mistake(value, name, f"the key {name} is not text")
            elif allowed is not None and name not in allowed:
                self.mistake(value, name, f"unknown key {name}; known are {', '.join(allowed)}")
        return value

    def check(self) -> None:
        if self.mistakes:
            raise Misconfigured.all(self.mistakes)


def line(holder: Any, key: Any = None) -> int:
    """The line, from 1, on which `key` stands in what ruamel read; of the holder when it knows no better."""
    place = getattr(holder, "lc", None)
    if place is None:
        return 1
    known = place.data or {}
    if key is not None and key in known:
        return int(known[key][0]) + 1
    return int(place.line or 0) + 1
