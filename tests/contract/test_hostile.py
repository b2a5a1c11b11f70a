"""Is every hostile record refused by its name, without saying what was in it? (reliability 7, rows 1 to 19)"""

from __future__ import annotations

import random
import resource
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bus.broker import Record
from bus.codec.strict import varint
from bus.contract import framing
from bus.contract.schema import Contracts
from bus.dates import Uncertain
from bus.errors import Reject
from bus.event import BARE, ChangeSet, Event
from tests.contract.towns import SCHEMAS, town

CONTRACTS = Contracts.provisional(
    SCHEMAS, town(one=("is_resident", "name.full", "birth", "sex"), two=("is_resident", "name.kana"))
)
ONE, TWO, CANONICAL = CONTRACTS.narrowed("one"), CONTRACTS.narrowed("two"), CONTRACTS.canonical()
MOMENT = datetime(2026, 4, 1, 9, tzinfo=UTC)
SECRET = "甲野花子"


def string(value: str | bytes) -> bytes:
    raw = value if isinstance(value, bytes) else value.encode()
    return varint(len(raw)) + raw


def record(**other: bytes) -> bytes:
    """A good record of ONE, with some parts replaced by raw bytes."""
    parts = {
        "prefix": ONE.prefix, "incarnation": string("i"), "id": string("e1"), "key": string("42"),
        "version": varint(3), "recorded": varint(1_775_001_600_000_000), "mode": b"\0", "branch": b"\2", "kind": b"\2",
        "reason": string("TENKYO"), "effective": string("2026-04-01") + b"\2" + varint(20544) + b"\2" + varint(20544),
        "supersedes": b"\0", "change_set": b"\0", "protected": b"\0", "is_resident": b"\1",
        "name": b"\2" + string(SECRET), "sex": b"\2" + string("2"),
        "birth": b"\2" + string("1980-03-05") + b"\2" + varint(3716) + b"\2" + varint(3716), "tail": b"",
    }  # fmt: skip
    return b"".join((parts | other).values())


def test_the_record_these_tests_spoil_is_good():
    event = ONE.decode(record())

    assert (event.key, event.data["name"]["full"], event.data["birth"]) == ("42", SECRET, Uncertain.parse("1980-03-05"))


CUT = record()[:-4]
HOSTILE = {
    "1 nothing": (None, "EMPTY"),
    "1 no bytes": (b"", "EMPTY"),
    "2 wrong magic byte": (b"\1" + record()[1:], "FRAMING"),
    "2 four bytes": (b"\0\0\0\0", "FRAMING"),
    "3 unknown schema": (b"\0\0\0\xff\xff" + record()[5:], "SCHEMA_UNKNOWN"),
    "3 another department's schema": (TWO.frame + record()[5:], "SCHEMA_UNKNOWN"),
    "4 cut off": (CUT, "DECODE"),
    "4 only a frame": (ONE.frame, "DECODE"),
    "4 cut in a character": (record(sex=b"", birth=b"", name=b"\2" + varint(12) + SECRET.encode()[:-1]), "DECODE"),
    "5 trailing bytes": (record(tail=b"\0"), "NON_CANONICAL"),
    "6 union -1": (record(name=b"\1" + string(SECRET)), "DECODE"),
    "6 enum -1": (record(kind=b"\1"), "DECODE"),
    "7 union too high": (record(name=b"\4" + string(SECRET)), "DECODE"),
    "7 enum too high": (record(kind=b"\x10"), "DECODE"),
    "8 overlong length": (record(reason=b"\x8c\0TENKYO"), "NON_CANONICAL"),
    "8 overlong union": (record(name=b"\x82\0" + string(SECRET)), "NON_CANONICAL"),
    "8 overlong version": (record(version=b"\x86\x80\0"), "NON_CANONICAL"),
    "8 varint of twenty bytes": (record(version=b"\xff" * 20 + b"\1"), "NON_CANONICAL"),
    "8 boolean 7": (record(is_resident=b"\7"), "NON_CANONICAL"),
    "9 int of 2^40": (record(change_set=b"\2" + string("c") + varint(1 << 40) + varint(1)), "RANGE"),
    "9 date of 2^40": (record(birth=b"\2" + string("x") + b"\2" + varint(1 << 40) + b"\0"), "RANGE"),
    "9 time beyond the year 9999": (record(recorded=varint(1 << 60)), "RANGE"),
    "9 long of more than 64 bits": (record(version=b"\xff" * 9 + b"\x7f"), "RANGE"),
    "12 string of 2^62": (record(reason=varint(1 << 62)), "DECODE"),
    "12 negative length": (record(reason=b"\1TENKYO"), "DECODE"),
    "13 invalid UTF-8": (record(name=b"\2" + string(b"\xff\xfe")), "ENCODING"),
    "13 surrogates in CESU": (record(name=b"\2" + string(b"\xed\xa0\x81\xed\xb0\x80")), "ENCODING"),
    "14 NUL": (record(name=b"\2" + string(f"{SECRET}\0")), "NUL"),
    "14 NUL in a date": (record(birth=b"\2" + string("1980\0") + b"\0\0"), "NUL"),
    "18 wrong schema that fits": (record(prefix=ONE.frame + TWO.fingerprint + ONE.prefix[13:]), "FINGERPRINT"),
    "26 another town": (record(prefix=ONE.prefix[:-6] + b"131016"), "MISROUTED"),
    "a mode that the body contradicts": (record(mode=b"\2"), "DECODE"),
}
INVISIBLE = [
    "\x07", "\x1b[31m", "\x85", "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\uf8ff", "\U000f0000", "\ufdd0",
    "\uffff", "\u2028", "\U000e0041", "\u0378", "\n", "\U0002ffff",
]  # fmt: skip
HOSTILE |= {f"15 U+{ord(bad[0]):04X}": (record(name=b"\2" + string(SECRET + bad)), "CONTROL") for bad in INVISIBLE}


@pytest.mark.parametrize("row", HOSTILE)
@pytest.mark.parametrize("way", ["decode", "decoder", "few"])
def test_a_hostile_record_is_refused_by_its_name(row, way):
    value, code = HOSTILE[row]
    read = {
        "decode": ONE.decode,
        "decoder": ONE.decoder(ONE.paths),
        "few": ONE.decoder(["name.full", "birth.earliest"]),
    }[way]

    with pytest.raises(Reject) as caught:
        read(value)

    assert caught.value.code == code
    assert SECRET not in f"{caught.value} {caught.value.where}"


@pytest.mark.parametrize(
    "name", ["髙﨑　神", "𠮷田𠀋", "葛\U000e0100城", "㈱①ｶﾞ", "\ue000", "🏠", "a\u00a0b", "O'Brien", "\U00031350", "が"]
)
def test_a_strange_name_passes_byte_for_byte(name):
    value = record(name=b"\2" + string(name))

    event = ONE.decode(value)

    assert event.data["name"]["full"].encode() == name.encode()
    assert ONE.encode(event, town="999999", incarnation="i") == value


@pytest.mark.parametrize(
    ("name", "code"), [("a\0", "NUL"), ("a\u202e", "CONTROL"), ("\ud800", "ENCODING"), (7, "DATA"), (b"x", "DATA")]
)
def test_a_text_that_would_be_refused_is_not_written(name, code):
    event = replace(ONE.decode(record()), data={**ONE.decode(record()).data, "name": {"full": name}})

    with pytest.raises(Reject) as caught:
        ONE.encode(event, town="999999", incarnation="i")

    assert (caught.value.code, caught.value.where) == (code, "body.data.name.full")


def test_a_record_that_no_broker_would_take_is_not_written():
    event = ONE.decode(record())
    long = replace(event, data=event.data | {"name": {"full": "漢" * 400_000}})

    with pytest.raises(Reject) as caught:
        ONE.encode(long, town="999999", incarnation="i")

    assert caught.value.code == "SIZE"


@pytest.mark.parametrize("recorded", [1 << 62, -(1 << 62), 1 << 80, None, "x"])
def test_a_time_out_of_range_is_not_written(recorded):
    with pytest.raises(Reject) as caught:
        ONE.encode_narrowed("e", "1", 1, recorded, BARE, None, incarnation="i")

    assert caught.value.code == "RANGE"


def bombs() -> dict[str, bytes]:
    head = CANONICAL.prefix + string("i") + string("e") + b"\0" + string("R") + string("42") + b"\2" + record()[:0]
    head += string("x") + b"\0\0" + varint(1_775_001_600_000_000) + b"\0"
    return {"fifty million": head + varint(50_000_000), "2^40": head + varint(1 << 40), "negative": head + b"\1\2\0"}


@pytest.mark.parametrize(("bomb", "code"), [("fifty million", "BOMB"), ("2^40", "BOMB"), ("negative", "NON_CANONICAL")])
def test_an_array_of_more_items_than_bytes_is_refused_before_it_takes_memory(bomb, code):
    read = CANONICAL.decode  # made before memory is measured
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(Reject) as caught:
        read(bombs()[bomb])

    assert caught.value.code == code
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000


def full() -> bytes:
    one = ONE.decode(record())
    blank = {name: None if inner.kind == "nullable" else {n: None for n, _ in inner.fields} for name, inner in _image()}
    image = blank | {"is_resident": True, "birth": one.data["birth"], "name": blank["name"] | {"full": SECRET * 9}}
    event = Event("e1", "CORRECT", "GOKI_SHUSEI", "42", 3, one.effective, MOMENT, image, supersedes="e0", before=image,
                  change_set=ChangeSet("c", 2, 1), before_recorded=MOMENT, undoes=("name.full", "birth"))  # fmt: skip
    return CANONICAL.encode(event, town="999999", incarnation="i")


def _image():
    from bus.codec.node import at

    return at(CANONICAL.node, "after").fields


@pytest.mark.parametrize("contract", [ONE, CANONICAL], ids=["narrowed", "canonical"])
def test_twenty_thousand_mutated_records_are_read_canonically_or_refused(contract):
    chance, good = random.Random(20260401), record() if contract is ONE else full()
    plans = [contract.decode, contract.decoder(contract.paths), contract.decoder(contract.paths[1:2])]
    read = 0
    for _ in range(10_000):
        value = _mutated(chance, good, len(contract.prefix))
        try:
            event = plans[0](value)
        except Reject:
            for plan in plans[1:]:
                with suppress(Reject):
                    plan(value)
        else:
            read += 1
            incarnation = contract.read(value)["incarnation"]
            assert contract.encode(event, town="999999", incarnation=incarnation) == value
            assert plans[1](value)[:3] == (event.id, event.key, event.version)
    assert read > 100


def _mutated(chance: random.Random, good: bytes, start: int) -> bytes:
    value = bytearray(good)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(start if chance.random() < 0.9 else 0, len(value))
        match chance.randrange(4):
            case 0:
                value[at] = chance.randrange(256)
            case 1:
                value[at] ^= 1 << chance.randrange(8)
            case 2:
                del value[at : at + chance.randrange(1, 4)]
            case _:
                value[at:at] = chance.randbytes(chance.randrange(1, 4))
    return bytes(value)


def sent(value: bytes | None = None, **other) -> Record:
    value = record() if value is None else value
    headers = framing.headers(ONE, id="e1", recorded=MOMENT, value=value)
    return Record(ONE.topic, 0, 0, b"42", value, headers)._replace(**other)


def test_a_record_whose_outside_agrees_with_its_inside_passes():
    framing.check(sent(), ONE)
    framing.check(sent()._replace(headers=[*sent().headers, ("traceparent", b"00-1-1-01")]), ONE)
    bare = ONE.encode_narrowed("e1", "42", 4, 1_775_001_600_000_000, BARE, None, incarnation="i")
    framing.check(sent(bare), ONE)


def header(name: str, value: bytes | None) -> list[tuple[str, bytes | None]]:
    return [(key, value if key == name else old) for key, old in sent().headers]


OUTSIDE = {
    "19 header flood": (sent(headers=[(f"x{n}", b"") for n in range(10_000)]), "HEADERS"),
    "19 nine kilobytes": (sent(headers=[*sent().headers, ("x", b"x" * 9000)]), "HEADERS"),
    "19 a header twice": (sent(headers=[*sent().headers, ("ce_id", b"e2")]), "HEADERS"),
    "19 another town in a header": (sent(headers=header("ce_source", b"urn:jp-lg:131016:juki")), "HEADERS"),
    "19 another event in a header": (sent(headers=header("ce_id", b"e2")), "HEADERS"),
    "18 digest of other bytes": (sent(headers=header("bus-sha256", b"x" * 32)), "DIGEST"),
    "18 no digest": (sent(headers=sent().headers[:-1]), "DIGEST"),
    "18 digest without a value": (sent(headers=header("bus-sha256", None)), "DIGEST"),
    "26 another topic": (sent(topic=TWO.topic), "MISROUTED"),
    "43 no key": (sent(key=None), "KEY"),
    "43 another key": (sent(key=b"43"), "KEY"),
    "1 no value": (sent()._replace(value=None), "EMPTY"),
}


@pytest.mark.parametrize("row", OUTSIDE)
def test_a_record_whose_outside_contradicts_its_inside_is_refused(row):
    given, code = OUTSIDE[row]

    with pytest.raises(Reject) as caught:
        framing.check(given, ONE)

    assert caught.value.code == code


def test_a_number_that_is_in_no_lock_is_no_schema():
    with pytest.raises(Reject) as caught:
        CONTRACTS.by_id(999)

    assert caught.value.code == "SCHEMA_UNKNOWN"
