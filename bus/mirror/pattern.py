"""How is a record cut into its fields at one stroke? A regular expression of its bytes, made of the schema.

It matches many of the records that are well formed, and nothing that is not: every choice in it is decided by the next
byte, so there is one way to read what matches. Whoever asks has another way for long texts, null bodies and arrays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bus.codec.node import PYTHON, Node

LONGEST = 63  # bytes of a text whose length is one byte
ANY, ASCII, DIGITS = b".", b"[!-~]", b"[0-9]"
NUMBER = rb"(?>[\x80-\xff]{0,9}[\0-\x7f])"  # not yet known to be the shortest
SMALL = rb"[\0-\x7f]"


def text(letters: bytes = ANY, least: int = 0) -> bytes:
    """The length and the text itself."""
    sizes = range(least, LONGEST + 1)
    return b"(?>%b)" % b"|".join(symbol(size) + (letters + b"{%d}" % size if size else b"") for size in sizes)


def symbol(number: int) -> bytes:
    return re.escape(bytes([2 * number]))


_TEXT, _PLAIN = text(), text(ASCII)
_DAY = b"(?>%b(?>\\0|\x02%b){2})" % (text(b"[0-9-]", 1), NUMBER)


class Pattern:
    """`own`: by path, the pattern of a value that is to be captured; of a nullable, null is captured as one zero byte,
    and a record with an empty text there does not match. Uncertain dates are always captured.
    """

    def __init__(self, node: Node, start: bytes, skip: int, own: Mapping[str, bytes]) -> None:
        self.groups: dict[str, int] = {}
        self.dates: list[str] = []
        self._own = own
        fields = b"".join(self._field(name, inner) for name, inner in node.fields[skip:])
        self.match = re.compile(re.escape(start) + fields + rb"\Z", re.DOTALL).match

    def _field(self, path: str, node: Node) -> bytes:
        inner = node.inner if node.kind == "nullable" else node
        if node.kind == "nullable" and node.null:
            raise KeyError(f"null comes second at {path}")
        if inner.kind == "record" and inner.name not in PYTHON:
            whole = b"".join(self._field(f"{path}.{name}", field) for name, field in inner.fields)
            return b"\x02" + whole if node.kind == "nullable" else whole
        value = self._value(path, inner)
        if path not in self._own and inner.name != "Uncertain":
            return b"(?>\\0|\x02%b)" % value if node.kind == "nullable" else value
        self.groups[path] = len(self.groups) + 1
        return b"(?>\x02(?!\\0)|(?=\\0))(\\0|%b)" % value if node.kind == "nullable" else b"(%b)" % value

    def _value(self, path: str, node: Node) -> bytes:
        if path in self._own:
            return self._own[path]
        match node.kind:
            case "string":
                return _TEXT
            case "boolean":
                return rb"[\0\1]"
            case "enum":
                return b"[%b]" % b"".join(map(symbol, range(min(len(node.symbols), 64))))
            case "record" if node.name == "Uncertain":
                self.dates.append(path)
                return _DAY
            case "record" if node.name == "ChangeSet":
                return b"(?>%b)" % b"".join(_PLAIN if field.kind == "string" else SMALL for _, field in node.fields)
        raise KeyError(f"a {node.kind} at {path} is not for a pattern")
