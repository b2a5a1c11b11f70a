"""What exactly do these bytes say, or why are they refused? Slow and complete; generated plans defer to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bus.codec import foreign, text
from bus.codec.node import PYTHON, Node
from bus.errors import Reject

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ORDINAL = 719163  # date(1970, 1, 1).toordinal()
FIRST_DAY, LAST_DAY = 1 - ORDINAL, date.max.toordinal() - ORDINAL
FIRST_MICRO = (datetime.min.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
LAST_MICRO = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def to_micros(value: Any) -> Any:
    """A time as microseconds since 1970; anything else as it is."""
    return (value - EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value


def bad(code: str, what: str, where: str) -> Reject:
    return Reject(what, code=code, where=where)


class Reader:
    """Reads one record; every refusal names the field, never its value."""

    def __init__(self, data: bytes, start: int = 0, *, check_text: bool = True) -> None:
        self.data, self.at, self.check_text = data, start, check_text

    def whole(self, node: Node) -> Any:
        value = self.read(node, "")
        if self.at != len(self.data):
            raise bad("NON_CANONICAL", "bytes follow the record", "")
        return value

    def read(self, node: Node, where: str) -> Any:
        return _READ[node.kind](self, node, where)

    def take(self, size: int, where: str) -> bytes:
        if size < 0:
            raise bad("DECODE", "a negative length", where)
        if size > len(self.data) - self.at:
            raise bad("DECODE", "the record is cut off", where)
        taken = self.data[self.at : self.at + size]
        self.at += size
        return taken

    def long(self, where: str) -> int:
        value = shift = 0
        while True:
            if self.at >= len(self.data):
                raise bad("DECODE", "the record is cut off", where)
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            if shift >= 70:
                raise bad("NON_CANONICAL", "a number of more than ten bytes", where)
        if byte == 0 and shift > 7:
            raise bad("NON_CANONICAL", "a number longer than it has to be", where)
        if value >> 64:
            raise bad("RANGE", "a number of more than 64 bits", where)
        return (value >> 1) ^ -(value & 1)


def _bounded(first: int, last: int) -> Callable[[Reader, Node, str], int]:
    def read(reader: Reader, node: Node, where: str) -> int:
        value = reader.long(where)
        if not first <= value <= last:
            raise bad("RANGE", f"outside the range of {node.kind}", where)
        return value

    return read


_days, _micros = _bounded(FIRST_DAY, LAST_DAY), _bounded(FIRST_MICRO, LAST_MICRO)


def _boolean(reader: Reader, _node: Node, where: str) -> bool:
    byte = reader.take(1, where)[0]
    if byte > 1:
        raise bad("NON_CANONICAL", "a boolean that is neither 0 nor 1", where)
    return byte == 1


def _string(reader: Reader, _node: Node, where: str) -> str:
    raw = reader.take(reader.long(where), where)
    try:
        value = raw.decode()
    except UnicodeDecodeError:
        raise bad("ENCODING", "not UTF-8", where) from None
    return text.check(value, where) if reader.check_text else value


def _record(reader: Reader, node: Node, where: str) -> Any:
    dot = f"{where}." if where else ""
    values = {name: reader.read(inner, dot + name) for name, inner in node.fields}
    own = PYTHON.get(node.name)
    return own(**values) if own else values


def _choice(reader: Reader, size: int, where: str) -> int:
    index = reader.long(where)
    if not 0 <= index < size:
        raise bad("DECODE", "there is no such branch or symbol", where)
    return index


def _nullable(reader: Reader, node: Node, where: str) -> Any:
    return None if _choice(reader, 2, where) == node.null else reader.read(node.inner, where)


def _array(reader: Reader, node: Node, where: str) -> list[Any]:
    count = reader.long(where)
    if count < 0:
        raise bad("NON_CANONICAL", "an array with sizes of blocks", where)
    if count * max(node.inner.smallest, 1) > len(reader.data) - reader.at:
        raise bad("BOMB", "an array of more items than there are bytes", where)
    values = [reader.read(node.inner, f"{where}[]") for _ in range(count)]
    if count and reader.long(where):
        raise bad("NON_CANONICAL", "an array in more than one block", where)
    return values


def _other(reader: Reader, node: Node, where: str) -> Any:
    value, reader.at = foreign.read(reader.data, reader.at, node.schema, where)
    return value


_READ: Mapping[str, Callable[[Reader, Node, str], Any]] = {
    "null": lambda _reader, _node, _where: None,
    "boolean": _boolean,
    "int": _bounded(-(1 << 31), (1 << 31) - 1),
    "long": lambda reader, _node, where: reader.long(where),
    "date": lambda reader, node, where: date.fromordinal(_days(reader, node, where) + ORDINAL),
    "micros": lambda reader, node, where: EPOCH + timedelta(microseconds=_micros(reader, node, where)),
    "string": _string,
    "bytes": lambda reader, _node, where: reader.take(reader.long(where), where),
    "fixed": lambda reader, node, where: reader.take(node.size, where),
    "enum": lambda reader, node, where: node.symbols[_choice(reader, len(node.symbols), where)],
    "record": _record,
    "nullable": _nullable,
    "array": _array,
    "other": _other,
}


def varint(value: int) -> bytes:
    """Zigzag, as Avro writes int and long."""
    left = (value << 1) ^ (value >> 63)
    out = bytearray()
    while left > 127:
        out.append(left & 127 | 128)
        left >>= 7
    out.append(left)
    return bytes(out)


def write(node: Node, value: Any, where: str = "") -> bytes:
    """The only bytes that say this; a value that does not fit is refused by the name of its field."""
    if node.kind == "record":
        dot = f"{where}." if where else ""
        get = _getter(node, value, where)
        return b"".join(write(inner, get(name), dot + name) for name, inner in node.fields)
    if node.kind == "nullable":
        if value is None:
            return varint(node.null)
        return varint(1 - node.null) + write(node.inner, value, where)
    if node.kind == "array":
        items = [write(node.inner, one, f"{where}[]") for one in _as((list, tuple), value, where)]
        return (varint(len(items)) + b"".join(items) if items else b"") + b"\0"
    return _scalar(node, value, where)


def _getter(node: Node, value: Any, where: str) -> Callable[[str], Any]:
    own = PYTHON.get(node.name)
    if own:
        return lambda name: getattr(_as(own, value, where), name)
    names = {name for name, _ in node.fields}
    if not isinstance(value, Mapping) or value.keys() - names:
        raise bad("DATA", "not a record of this schema, or one with unknown fields", where)
    return value.get


def _as(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, kind):
        raise bad("DATA", "blank, or of another type than the schema says", where)
    return value


def _scalar(node: Node, value: Any, where: str) -> bytes:
    match node.kind:
        case "string":
            encoded = text.check(_as(str, value, where), where).encode()
            return varint(len(encoded)) + encoded
        case "boolean":
            return b"\1" if _as(bool, value, where) else b"\0"
        case "enum":
            if value not in node.symbols:
                raise bad("DATA", "not a symbol of this list", where)
            return varint(node.symbols.index(value))
        case "date":
            return varint(_as(date, value, where).toordinal() - ORDINAL)
        case "micros":
            moment = _as(datetime, value, where)
            if moment.tzinfo is None:
                raise bad("DATA", "a time without its zone", where)
            return varint((moment - EPOCH) // timedelta(microseconds=1))
        case "int" | "long":
            return varint(_integer(node.kind, value, where))
        case "bytes" | "fixed":
            raw: bytes = _as(bytes, value, where)
            if node.kind == "fixed" and len(raw) != node.size:
                raise bad("DATA", "not of the fixed size", where)
            return raw if node.kind == "fixed" else varint(len(raw)) + raw
        case "other":
            return foreign.write(value, node.schema, where)
    return b""


def _integer(kind: str, value: Any, where: str) -> int:
    number: int = _as(int, value, where)
    bits = 31 if kind == "int" else 63
    if isinstance(value, bool) or not -(1 << bits) <= number < 1 << bits:
        raise bad("RANGE", f"not an {kind}", where)
    return number
