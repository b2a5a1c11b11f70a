"""Does a record's outside agree with its inside? Headers, digest, key, town: checked before anything is decoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256

from bus.broker import Record
from bus.contract.schema import Contract
from bus.errors import Reject

MOST_HEADERS, MOST_BYTES = 32, 8192
_CONTENT = b"application/avro"
_NAMES = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type", "bus-sha256")


@cache
def _constant(contract: Contract) -> tuple[bytes, bytes]:
    system, entity = contract.entity.split(".")
    source = f"urn:jp-lg:{contract.town}:{system}"
    major = contract.topic.rpartition(".")[2]
    return source.encode(), f"jp.lg.{system}.{entity}.{major}".encode()


def headers(contract: Contract, *, id: str, recorded: datetime, value: bytes) -> list[tuple[str, bytes]]:
    """CloudEvents in binary mode, and the digest of the value. No key, no name, no reason."""
    source, kind = _constant(contract)
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", source),
        ("ce_type", kind),
        ("ce_time", recorded.isoformat().replace("+00:00", "Z").encode()),
        ("content-type", _CONTENT),
        ("bus-sha256", sha256(value).digest()),
    ]


def usual(contract: Contract) -> Callable[[Record], tuple[bytes, bytes] | None]:
    """Of a record whose outside is to the letter what `headers` writes: the event's id and the digest, which is right.

    None: `check` decides. The id and the key are still to be compared with those in the payload.
    """
    source, kind = _constant(contract)
    topic = contract.topic

    def look(record: Record) -> tuple[bytes, bytes] | None:
        if record.topic != topic or len(record.headers) != len(_NAMES) or record.value is None:
            return None
        (a, version), (b, event), (c, by), (d, of), (e, at), (f, content), (g, digest) = record.headers
        if (a, b, c, d, e, f, g) != _NAMES or by != source or of != kind or version != b"1.0" or content != _CONTENT:
            return None
        if event is None or at is None or len(event) + len(at) > 128 or sha256(record.value).digest() != digest:
            return None
        return event, digest

    return look


def check(record: Record, contract: Contract) -> None:
    """Raises Reject: EMPTY FRAMING SCHEMA_UNKNOWN FINGERPRINT MISROUTED HEADERS DIGEST KEY (reliability 7)."""
    value = contract.open(record.value)
    given = _headers(record.headers)
    if given.get("bus-sha256") != sha256(value).digest():
        raise Reject("the digest is missing, or not that of the value", code="DIGEST", where="bus-sha256")
    source, kind = _constant(contract)
    if given.get("ce_source") != source or given.get("ce_type") != kind:
        raise Reject("the headers name another source or type than the topic's", code="HEADERS", where="ce_source")
    if record.topic != contract.topic:
        raise Reject("read from another topic than its schema belongs to", code="MISROUTED", where="topic")
    event, key = _identity(contract, value)
    if given.get("ce_id") != event:
        raise Reject("the headers name another event", code="HEADERS", where="ce_id")
    if record.key != key:
        raise Reject("the key of the record is not the key in the payload", code="KEY", where="key")


def _headers(pairs: Sequence[tuple[str, bytes | None]]) -> dict[str, bytes | None]:
    if len(pairs) > MOST_HEADERS:
        raise Reject(f"more than {MOST_HEADERS} headers", code="HEADERS")
    given = dict(pairs)
    if len(given) != len(pairs):
        raise Reject("a header twice", code="HEADERS")
    if sum(map(len, given)) + sum(map(len, filter(None, given.values()))) > MOST_BYTES:
        raise Reject(f"more than {MOST_BYTES} bytes of headers", code="HEADERS")
    return given


def _identity(contract: Contract, value: bytes) -> tuple[bytes, bytes]:
    """The event's id and the person's key, as the payload has them; the decoder judges the texts."""
    try:
        start = len(contract.prefix)
        _, start = _text(value, start)  # incarnation
        event, start = _text(value, start)
        if not contract.narrowed:
            start += 1  # kind
            _, start = _text(value, start)  # reason
        key, _ = _text(value, start)
    except IndexError:
        raise Reject("the record is cut off", code="DECODE", where="key") from None
    return event, key


def incarnation(value: bytes, contract: Contract) -> str:
    """Of a value that the decoder has read: which life of the register it comes from."""
    return _text(value, len(contract.prefix))[0].decode()


def _text(value: bytes, start: int) -> tuple[bytes, int]:
    size = value[start]
    if size > 127:
        size += (value[start + 1] << 7) - 128
        start += 1
    end = start + 1 + (size >> 1)
    return value[start + 1 : end], end
