"""How is a record written fastest? A function is generated for one schema; the strict writer judges the odd cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from bus.codec.node import PYTHON, Node
from bus.codec.plan import MOST_DATES, RUN, UNCERTAIN, Odd, flat, may_run
from bus.codec.strict import EPOCH, FIRST_MICRO, LAST_MICRO, varint, write
from bus.dates import Uncertain
from bus.errors import Reject

LENGTH = tuple(varint(n) for n in range(4096))
LENGTH_NULLABLE = tuple(b"\x02" + length for length in LENGTH)
SMALL = {n: varint(n) for n in range(4096)}

_dates: dict[Any, bytes] = {}
_uncertain: dict[Any, bytes] = {}
_upper: dict[int, bytes] = {}


def day(value: date) -> bytes:
    raw = write(Node("date"), value)
    if len(_dates) < MOST_DATES and type(value) is date:
        _dates[value] = raw
    return raw


def uncertain(value: Uncertain) -> bytes:
    raw = write(UNCERTAIN, value)
    if len(_uncertain) < MOST_DATES and value.is_certain and value == Uncertain.parse(value.text):
        _uncertain[value] = raw
    return raw


def moment(value: datetime) -> bytes:
    if value.tzinfo is None:
        raise Odd
    since = value - EPOCH
    return micros((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def micros(value: int) -> bytes:
    """From 1980 to 2115 eight bytes, of which the upper half changes every two minutes."""
    upper = _upper.get(value >> 27)
    if upper is None:
        if not FIRST_MICRO <= value <= LAST_MICRO:
            raise Odd
        raw = varint(value)
        if len(raw) == 8 and value > 0 and len(_upper) < MOST_DATES:
            _upper[value >> 27] = raw[4:]
        return raw
    low = value << 1
    return bytes((low & 127 | 128, low >> 7 & 127 | 128, low >> 14 & 127 | 128, low >> 21 & 127 | 128)) + upper


def strict_part(node: Node, path: str) -> Callable[[Any], bytes]:
    return lambda value: write(node, value, path)


class Writing:
    """Builds `plan(args)`: `sources` says of each top-level field with which expression it is found."""

    def __init__(
        self, node: Node, start: bytes, sources: Mapping[str, str], *, skip: int = 0, raw_times: bool = False
    ) -> None:
        self.node, self.start, self.sources, self.skip, self.raw_times = node, start, sources, skip, raw_times
        self.lines: list[str] = []
        self.parts: list[str] = []
        self.made = 0
        self.names: dict[str, Any] = {
            "L0": LENGTH,
            "LN": LENGTH_NULLABLE,
            "SMALL": SMALL.get,
            "DATE": _dates.get,
            "UNCERTAIN": _uncertain.get,
            "day": day,
            "uncertain": uncertain,
            "moment": moment,
            "micros": micros,
            "varint": varint,
            "Odd": Odd,
            "START": start,
            "Reject": Reject,
        }

    def build(self, arguments: str, slow: Callable[..., bytes]) -> Callable[..., bytes]:
        names = self.names
        names["slow"] = slow
        exec(compile(self.source(arguments), f"<writing of {self.node.name}>", "exec"), names)  # noqa: S102  # our own text
        made: Callable[..., bytes] = names["plan"]
        return made

    def source(self, arguments: str) -> str:
        for name, field in self.node.fields[self.skip :]:
            if name in self.sources:
                self._field(self.sources[name], name, field, 2)
            else:
                self.body(field.inner)
        given = ", ".join(one.split(":")[0].split("=")[0].strip() for one in arguments.split(",") if one.strip() != "*")
        return "\n".join([
            f"def plan({arguments}):",
            "    try:",
            "        s = []",
            *self.lines,
            "        s = ''.join(s)",
            "        if s.isprintable() or s.replace('\\u3000', '').isprintable():",
            f"            return b''.join((START, {', '.join(self.parts)}))",
            "    except (LookupError, TypeError, AttributeError, ValueError, OverflowError, Odd, Reject): pass",
            f"    return slow({given})",
        ])  # fmt: skip

    def _say(self, depth: int, *lines: str) -> None:
        self.lines += ["    " * depth + line for line in lines]

    def _new(self, letter: str) -> str:
        self.made += 1
        return f"{letter}{self.made}"

    def _constant(self, value: Any) -> str:
        name = self._new("C")
        self.names[name] = value
        return name

    def _field(self, source: str, path: str, node: Node, depth: int) -> None:
        """Leaves in `self.parts` the names that hold the bytes."""
        if node.kind == "record" and node.name not in PYTHON:
            self._record(source, path, node, depth)
        elif node.kind == "nullable" and node.inner.kind == "record" and node.inner.name not in PYTHON:
            out = self._new("o")
            value = self._new("x")
            self._say(depth, f"{value} = {source}", f"if {value} is None: {out} = {varint(node.null)!r}", "else:")
            outer, self.parts = self.parts, []
            self._record(value, path, node.inner, depth + 1)
            self._say(depth + 1, f"{out} = b''.join(({varint(1 - node.null)!r}, {', '.join(self.parts)}))")
            self.parts = [*outer, out]
        else:
            self._leaf(source, path, node, depth)

    def _record(self, source: str, path: str, node: Node, depth: int) -> None:
        if not source.isidentifier():
            value = self._new("x")
            self._say(depth, f"{value} = {source}")
            source = value
        self._say(depth, f"if len({source}) != {len(node.fields)}: raise Odd")
        run: list[tuple[str, Node]] = []
        for name, field in [*node.fields, ("", Node("null"))]:
            if (
                field.kind == "nullable"
                and (field.inner.kind != "record" or field.inner.name in PYTHON)
                and not field.null
            ):
                run.append((name, field))
                continue
            self._run(source, path, run, depth)
            run = []
            if name:
                self._field(f"{source}[{name!r}]", f"{path}.{name}", field, depth)

    def _run(self, source: str, path: str, run: Sequence[tuple[str, Node]], depth: int) -> None:
        if len(run) < RUN:
            for name, field in run:
                self._leaf(f"{source}[{name!r}]", f"{path}.{name}", field, depth)
            return
        get = self._constant(itemgetter(*(name for name, _ in run)))
        self._together(f"{get}({source})", [(f"{path}.{name}", field) for name, field in run], depth)

    def _together(self, source: str, run: Sequence[tuple[str, Node]], depth: int) -> None:
        """`source` is a tuple with the values of nullable leaves that are often all null."""
        out, names = self._new("o"), [self._new("x") for _ in run]
        none, zeros = self._constant((None,) * len(run)), self._constant(bytes(len(run)))
        outer, self.parts = self.parts, []
        self._say(depth, f"x = {source}", f"if x == {none}: {out} = {zeros}", "else:", f"    {', '.join(names)}, = x")
        for value, (path, field) in zip(names, run, strict=True):
            self._leaf(value, path, field, depth + 1)
        self._say(depth + 1, f"{out} = b''.join(({', '.join(self.parts)},))")
        self.parts = [*outer, out]

    def body(self, node: Node, depth: int = 2) -> None:
        """The body of a notice, from the tuples `body` and `values`."""
        out = self._new("o")
        names = [name for name, _ in node.fields if name != "data"]
        leaves = list(flat(dict(node.fields)["data"], "body.data."))
        self._say(
            depth,
            f"if body is None: {out} = b'\\0'",
            "else:",
            f"    {', '.join(names)} = body",
            "    values = tuple(values)",
        )
        self._say(depth + 1, f"if len(values) != {len(leaves)}: raise Odd")
        outer, self.parts = self.parts, []
        for name in names:
            self._leaf(name, f"body.{name}", dict(node.fields)[name], depth + 1)
        first = 0
        for may, group in groupby(leaves, lambda leaf: may_run(leaf[1])):
            run = list(group)
            for start in range(0, len(run), 8):
                chunk = run[start : start + 8]
                here = first + start
                if may and len(chunk) >= RUN:
                    self._together(f"values[{here}:{here + len(chunk)}]", chunk, depth + 1)
                else:
                    for offset, (path, field) in enumerate(chunk):
                        self._leaf(f"values[{here + offset}]", path, field, depth + 1)
            first += len(run)
        self._say(depth + 1, f"{out} = b''.join((b'\\2', {', '.join(self.parts)}))")
        self.parts = [*outer, out]

    def _leaf(self, source: str, path: str, node: Node, depth: int) -> None:
        if not source.isidentifier():
            value = self._new("x")
            self._say(depth, f"{value} = {source}")
            source = value
        inner = node.inner if node.kind == "nullable" else node
        out = self._new("o")
        if inner.kind == "string" and not node.null:
            table, rest = ("LN" if node.kind == "nullable" else "L0"), self._new("r")
            self.parts += [out, rest]
            lines = [f"{rest} = {source}.encode(); {out} = {table}[len({rest})]; s.append({source})"]
            blank = f"{out} = b'\\0'; {rest} = b''"
        else:
            self.parts.append(out)
            branch = varint(1 - node.null) if node.kind == "nullable" else b""
            lines = [f"{out} = {f'{branch!r} + ' if branch else ''}{self._value(source, path, inner)}"]
            blank = f"{out} = {varint(node.null)!r}"
        if node.kind == "nullable":
            self._say(depth, f"if {source} is None: {blank}", "else:")
            self._say(depth + 1, *lines)
        else:
            self._say(depth, *lines)

    def _value(self, source: str, path: str, node: Node) -> str:
        match node.kind:
            case "record" if node.name == "Uncertain":
                return f"(UNCERTAIN({source}) or uncertain({source}))"
            case "date":
                return f"(DATE({source}) or day({source}))"
            case "micros":
                return f"micros({source})" if self.raw_times else f"moment({source})"
            case "enum":
                return f"{self._constant({symbol: varint(n) for n, symbol in enumerate(node.symbols)})}[{source}]"
            case "boolean":
                part = self._constant(strict_part(node, path))
                return f"(b'\\1' if {source} is True else b'\\0' if {source} is False else {part}({source}))"
            case "long" | "int":
                return f"(SMALL({source}) or {self._constant(strict_part(node, path))}({source}))"
            case "array":
                return f"(b'\\0' if len({source}) == 0 else {self._constant(strict_part(node, path))}({source}))"
        return f"{self._constant(strict_part(node, path))}({source})"


def record(node: Node, start: bytes) -> Callable[[Any], bytes]:
    """A plan for any schema: a nested mapping to framed bytes."""
    writing = Writing(node, start, {name: f"r[{name!r}]" for name, _ in node.fields})
    return writing.build("r", lambda r: start + write(node, r))


def event(node: Node, prefix: bytes, slow: Callable[..., bytes]) -> Callable[..., bytes]:
    """plan(e, incarnation): a canonical record of an Event."""
    renamed = {"incarnation": "incarnation", "after": "e.data"}
    sources = {name: renamed.get(name, f"e.{name}") for name, _ in node.fields[2:]}
    return Writing(node, prefix, sources, skip=2).build("e, incarnation", slow)


def notice(node: Node, prefix: bytes, slow: Callable[..., bytes]) -> Callable[..., bytes]:
    """plan(id, key, version, recorded, mode, body, values, incarnation): a narrowed record."""
    sources = {name: name for name, _ in node.fields[2:-1]}
    writing = Writing(node, prefix, sources, skip=2, raw_times=True)
    return writing.build("id, key, version, recorded, mode, body, values, incarnation", slow)
