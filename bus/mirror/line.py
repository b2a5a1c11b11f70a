"""How does a record become a line for COPY without becoming values first? Its texts are cut out and put in order.

Only for records that are certainly canonical; of all others it says None, and the plan or the strict reader judges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from bus.codec.node import Node, at
from bus.codec.plan import MOST_DATES, Odd, micros, uncertain
from bus.codec.strict import varint
from bus.dates import Uncertain
from bus.errors import Reject
from bus.event import DATA
from bus.mirror.pattern import ASCII, DIGITS, NUMBER, Pattern, symbol, text

Line = tuple[bytes, bytes, int, int, str, bytes]  # id, key, version, recorded, kind, and the line itself
Read = Callable[[bytes], Line | None]
_HEAD = ("id", "key", "version", "recorded", "body.kind")
_without_length = itemgetter(slice(1, None))
_NUMBERS = {varint(n): n for n in range(8192)}
_BOOLEAN = {b"\0": b"f", b"\1": b"t"}


class _Days(dict[bytes, bytes]):
    """A certain date as it is written -> as COPY reads it."""

    def __missing__(self, raw: bytes) -> bytes:
        value, size = uncertain(raw, 0)
        if size != len(raw) or value.earliest is None or value != Uncertain.on(value.earliest):
            raise Odd
        if len(self) < MOST_DATES:
            self[raw] = value.text.encode()
        return value.text.encode()


_days = _Days({b"\0": b""})


def lines(node: Node, start: bytes, skip: int, paths: Sequence[str]) -> tuple[Read, list[str]]:
    """For a narrowed record: what reads a framed one, and in which order `paths` then stand behind the key.

    Nulls are empty in a line; empty texts are in none. Raises KeyError for a schema or a path that it has no way for.
    """
    dates, flags, texts = _sorted(node, paths)
    own = {path: text() for path in texts} | dict.fromkeys(flags, rb"[\0\1]") | _outside(node)
    pattern = Pattern(node, start, skip, own)
    groups = pattern.groups
    wanted = [groups[path.rpartition(".")[0]] for path in dates]
    others = [groups[path] for path in pattern.dates if groups[path] not in wanted]
    spoken, flagged = [groups[path] for path in ("key", *texts)], [groups[path] for path in flags]
    every = [*(groups[path] for path in _HEAD), *spoken, *wanted, *flagged, *others]
    a = len(_HEAD)
    b, c, d = a + len(spoken), a + len(spoken) + len(wanted), a + len(spoken) + len(wanted) + len(flagged)
    kinds = {bytes([2 * n]): name for n, name in enumerate(at(node, "body.kind").symbols[:64])}
    match, width = pattern.match, len(dates) + len(flags) + len(texts)
    day, boolean = _days.__getitem__, _BOOLEAN.__getitem__

    def read(value: bytes) -> Line | None:
        found = match(value)
        if found is None:
            return None
        got = found.group(*every)
        id, key, version, recorded, kind = got[:a]
        when, size = micros(recorded, 0)
        line = b"\t".join((*map(_without_length, got[a:b]), *map(day, got[b:c]), *map(boolean, got[c:d])))
        for one in got[d:]:
            _days[one]
        if size != len(recorded) or line.count(b"\t") != width or b"\\" in line:
            return None  # a control character, or one that COPY would take for more than a letter
        letters = line.decode().replace("\t", "").replace("\u3000", "")
        if not letters.isprintable():
            return None
        return id[1:], key[1:], _NUMBERS[version], when, kinds[kind], line + b"\n"

    def certainly(value: bytes) -> Line | None:
        try:
            return read(value)
        except (LookupError, ValueError, Odd, Reject):
            return None

    return certainly, [*texts, *dates, *flags]


def _sorted(node: Node, paths: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Dates, booleans, texts, each once."""
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    for path in dict.fromkeys(paths):
        parent, one = at(node, path.rpartition(".")[0]), at(node, path)
        if (parent.inner if parent.kind == "nullable" else parent).name == "Uncertain":
            found[0].append(path)
        elif one.kind == "boolean":
            found[1].append(path)
        elif one.kind == "nullable" and one.inner.kind == "string":
            found[2].append(path)
        else:
            raise KeyError(path)
    return found


def _outside(node: Node) -> dict[str, bytes]:
    """What is not of the image: plain ASCII, or left to the plan."""
    plain, kinds = text(ASCII), at(node, "body.kind").symbols[:64]
    return {
        "incarnation": plain, "id": plain, "key": text(DIGITS, 1), "version": NUMBER, "recorded": NUMBER,
        "mode": symbol(at(node, "mode").symbols.index(DATA)),
        "body.kind": b"[%b]" % b"".join(map(symbol, range(len(kinds)))), "body.reason": plain, "body.supersedes": plain,
    }  # fmt: skip
