"""How is a record read fastest? A Python function is generated for one schema and the fields that are wanted.

It accepts only what is certainly canonical; at anything odd it hands the record to the strict reader, which judges it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from bus.codec.node import PYTHON, Node
from bus.codec.strict import Reader
from bus.dates import Uncertain
from bus.errors import Reject

MOST_DATES = 100_000  # cached; 270 years
RUN = 4  # so many nullable fields in a row are first tried as all null
Slow = Callable[[bytes], Any]


class Odd(Exception):
    """Not certainly canonical: the strict reader decides."""


# What a length byte, at p, makes of p; 0: not a length of one byte.
HOP = tuple((n >> 1) + 1 if n < 128 and not n & 1 else 0 for n in range(256))
HOP_NULLABLE = tuple(hop and hop + 1 for hop in HOP)
BOOLEAN = {0: False, 1: True}


def far(b: bytes, p: int) -> tuple[str, int]:
    """A string of 64 bytes to 8 kB whose length stands at p."""
    q = hop(b, p)
    if q > len(b):
        raise Odd
    return b[p + 2 : q].decode(), q


def hop(b: bytes, p: int) -> int:
    """Behind a string of 64 bytes to 8 kB whose length stands at p."""
    low, high = b[p], b[p + 1]
    if low < 128 or low & 1 or not 0 < high < 128:
        raise Odd
    return p + 2 + ((high << 6) + (low >> 1) - 64)


_days: dict[bytes, date] = {}
_certain: dict[bytes, tuple[Uncertain, bytes, int]] = {}
_minutes: dict[bytes, int] = {}


def day(b: bytes, p: int) -> tuple[date, int]:
    """A date whose number stands at p."""
    for size in (2, 3):
        if known := _days.get(b[p : p + size]):
            return known, p + size
    reader = Reader(b, p)
    value: date = reader.read(Node("date"), "")
    if len(_days) < MOST_DATES and reader.at - p in (2, 3):
        _days[b[p : reader.at]] = value
    return value, reader.at


def uncertain(b: bytes, p: int) -> tuple[Uncertain, int]:
    """An uncertain date at p; certain ones are remembered by their text."""
    known = _certain.get(b[p : p + 11])
    if known:
        value, rest, size = known
        if b.startswith(rest, p + 11):
            return value, p + size
    reader = Reader(b, p)
    value = reader.read(UNCERTAIN, "")
    if (
        value.is_certain
        and value.earliest is not None
        and value.text == value.earliest.isoformat()
        and len(_certain) < MOST_DATES
    ):
        _certain[b[p : p + 11]] = (value, b[p + 11 : reader.at], reader.at - p)
    return value, reader.at


def micros(b: bytes, p: int) -> tuple[int, int]:
    """A time whose number stands at p, of 8 bytes from 1980 to 2115: the upper half changes every two minutes."""
    upper = _minutes.get(b[p + 4 : p + 8])
    if upper is not None:
        w, x, y, z = b[p : p + 4]
        if w > 127 and x > 127 and y > 127 and z > 127 and not w & 1:
            return upper + ((w + (x << 7) + (y << 14) + (z << 21) - 270549120) >> 1), p + 8
    reader = Reader(b, p)
    reader.read(Node("micros"), "")
    value = Reader(b, p).long("")
    if reader.at == p + 8 and value > 0 and len(_minutes) < MOST_DATES:
        _minutes[b[p + 4 : p + 8]] = value >> 27 << 27
    return value, reader.at


_DATE = Node("nullable", item=Node("date"))
UNCERTAIN = Node("record", "Uncertain", (("text", Node("string")), ("earliest", _DATE), ("latest", _DATE)))


def strict_part(node: Node) -> Callable[[bytes, int], tuple[Any, int]]:
    """Reads what has no code of its own here."""

    def part(b: bytes, p: int) -> tuple[Any, int]:
        reader = Reader(b, p)
        return reader.read(node, ""), reader.at

    return part


class Plan:
    """Collects what is wanted, then builds the function."""

    def __init__(self, node: Node, start: bytes = b"") -> None:
        self.node, self.start = node, start
        self.wanted: dict[str, str] = {}
        self.texts: list[str] = []
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "HOP": HOP,
            "HOPN": HOP_NULLABLE,
            "BOOLEAN": BOOLEAN,
            "Odd": Odd,
            "Reject": Reject,
            "far": far,
            "hop": hop,
            "day": day,
            "uncertain": uncertain,
            "micros": micros,
            "START": start,
            "CERTAIN": _certain.get,
            "DAYS": _days.get,
        }

    def var(self, path: str) -> str:
        """The local variable that will hold the value at `path`; of a nullable record with `?`: whether it is there."""
        return self.wanted.setdefault(path, f"v{len(self.wanted)}")

    def build(self, result: str, slow: Slow, guard: str = "False", skip: int = 0) -> Callable[[bytes], Any]:
        """`result`: an expression of variables; `guard`: true if it contradicts itself; `skip`: fields in START."""
        source = self.source(result, guard, skip)
        names = self.names | {"slow": slow}
        exec(compile(source, f"<plan of {self.node.name}>", "exec"), names)  # noqa: S102  # our own text, made of a schema
        made: Callable[[bytes], Any] = names["plan"]
        return made

    def source(self, result: str, guard: str, skip: int) -> str:
        self.lines.clear()
        self.texts.clear()
        self._fields(list(flat(Node("record", fields=self.node.fields[skip:]), "")), 2)
        texts = ", ".join(self.texts)
        check = [
            f"        s = ''.join(filter(None, ({texts},)))",
            "        if not s.isprintable() and not s.replace('\\u3000', '').isprintable(): return slow(b)",
        ] if texts else []  # fmt: skip
        return "\n".join([
            "def plan(b, HOP=HOP, HOPN=HOPN, CERTAIN=CERTAIN, DAYS=DAYS):",
            "    try:",
            "        if not b.startswith(START): return slow(b)",
            f"        p = {len(self.start)}",
            *self.lines,
            f"        if p != len(b) or {guard}: return slow(b)",
            *check,
            f"        return {result}",
            "    except (IndexError, KeyError, ValueError, AttributeError, Odd, Reject): return slow(b)",
        ])  # fmt: skip

    def _say(self, depth: int, *lines: str) -> None:
        self.lines += ["    " * depth + line for line in lines]

    def _fields(self, leaves: Sequence[tuple[str, Node]], depth: int) -> None:
        for (_, is_run), group in groupby(leaves, lambda leaf: (leaf[0].rpartition(".")[0], may_run(leaf[1]))):
            run = list(group)
            if is_run and len(run) >= RUN:
                self._run(run, depth)
            else:
                for path, node in run:
                    self._one(path, node, depth)

    def _run(self, run: Sequence[tuple[str, Node]], depth: int) -> None:
        zeros = self._constant(bytes(len(run)))
        self._say(depth, f"if b.startswith({zeros}, p):", f"    p += {len(run)}")
        self._blank(run, depth + 1)
        self._say(depth, "else:")
        for path, node in run:
            self._one(path, node, depth + 1)

    def _constant(self, value: Any) -> str:
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def _blank(self, run: Sequence[tuple[str, Node]], depth: int) -> None:
        """All that is wanted of these is None."""
        inside = tuple(f"{path}." for path, _ in run)
        own = {path for path, _ in run}
        names = [name for path, name in self.wanted.items() if path in own or path.startswith(inside)]
        if names:
            self._say(depth, f"{' = '.join(names)} = None")

    def _one(self, path: str, node: Node, depth: int) -> None:
        if node.kind != "nullable":
            self._value(path, node, depth, 0)
            return
        here, null = 2 - 2 * node.null, 2 * node.null
        flag = self.wanted.get(f"{path}?")
        self._say(depth, "t = b[p]", f"if t == {here}:")
        self._value(path, node.inner, depth + 1, 1)
        if flag:
            self._say(depth + 1, f"{flag} = True")
        self._say(depth, f"elif t{f' != {null}' if null else ''}: raise Odd", "else:", "    p += 1")
        if flag:
            self._say(depth + 1, f"{flag} = False")
        self._blank([(path, node)], depth + 1)

    def _value(self, path: str, node: Node, depth: int, ahead: int) -> None:
        """The value begins at p + ahead; afterwards p is behind it."""
        at = f"p + {ahead}" if ahead else "p"
        name = self.wanted.get(path)
        if node.kind == "string":
            self._string(name, depth, ahead, at)
        elif node.kind == "record" and node.name == "Uncertain":
            self._uncertain(path, name, depth, ahead, at)
        elif node.kind == "record" and node.name not in PYTHON:
            if ahead:
                self._say(depth, f"p += {ahead}")
            self._fields(list(flat(node, f"{path}.")), depth)
        elif node.kind == "date":
            self._say(
                depth, f"d = DAYS(b[{at}:p + {ahead + 3}])", f"if d: p += {ahead + 3}", f"else: d, p = day(b, {at})",
                *([f"{name} = d"] if name else []),
            )  # fmt: skip
        elif node.kind in ("boolean", "enum"):
            table = (
                "BOOLEAN"
                if node.kind == "boolean"
                else self._constant({2 * n: s for n, s in enumerate(node.symbols[:64])})
            )
            self._say(depth, f"{name or 'd'} = {table}[b[{at}]]", f"p += {ahead + 1}")
        elif node.kind == "fixed":
            self._say(
                depth, *([f"{name} = b[{at}:p + {ahead + node.size}]"] if name else []), f"p += {ahead + node.size}"
            )
        elif node.kind == "long":
            part = self._constant(strict_part(node))
            self._say(
                depth, f"d = b[{at}]", f"if d < 128: {name or 'd'} = (d >> 1) ^ -(d & 1); p += {ahead + 1}",
                f"else: {name or 'd'}, p = {part}(b, {at})",
            )  # fmt: skip
        else:
            part = "micros" if node.kind == "micros" else self._constant(strict_part(node))
            self._say(depth, f"{name or 'd'}, p = {part}(b, {at})")

    def _string(self, name: str | None, depth: int, ahead: int, at: str) -> None:
        table = "HOPN" if ahead else "HOP"
        if name:
            self.texts.append(name)
            self._say(
                depth, f"k = {table}[b[{at}]]",
                f"if k: q = p + k; {name} = b[p + {ahead + 1}:q].decode(); p = q",
                f"else: {name}, p = far(b, {at})",
            )  # fmt: skip
        else:
            self._say(depth, f"k = {table}[b[{at}]]", "if k: p += k", f"else: p = hop(b, {at})")

    def _uncertain(self, path: str, name: str | None, depth: int, ahead: int, at: str) -> None:
        self._say(
            depth, f"u = CERTAIN(b[{at}:p + {ahead + 11}])",
            f"if u and b.startswith(u[1], p + {ahead + 11}): u, _, k = u; p += k{f' + {ahead}' if ahead else ''}",
            f"else: u, p = uncertain(b, {at})",
            *([f"{name} = u"] if name else []),
        )  # fmt: skip
        for part in ("text", "earliest", "latest"):
            if inner := self.wanted.get(f"{path}.{part}"):
                self._say(depth, f"{inner} = u.{part}")


def flat(node: Node, prefix: str) -> Iterator[tuple[str, Node]]:
    """Leaves in the order of the bytes: a record itself has none."""
    for name, inner in node.fields:
        if inner.kind == "record" and inner.name not in PYTHON:
            yield from flat(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, inner


def may_run(node: Node) -> bool:
    return node.kind == "nullable" and node.null == 0
