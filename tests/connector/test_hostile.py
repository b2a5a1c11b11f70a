"""Do hostile records among good ones end as the catalogue says, on a real broker? (reliability 7, rows 1 to 24)"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer

from bus.adapters.sql.store import open_store
from bus.broker import Message
from bus.connector.ownership import here
from bus.connector.runner import serve
from bus.contract.framing import headers
from bus.errors import Reject
from tests.connector.department import TABLES, intake, names
from tests.contract.test_hostile import HOSTILE, ONE, SECRET, record, string

pytestmark = pytest.mark.stack
GRANTED = ("is_resident", "name.full", "birth", "sex")  # what tests/contract/test_hostile.py spoils
READ = ("is_resident", "name.full", "sex")
MOMENT = datetime(2026, 4, 1, 9, tzinfo=UTC)
VICTIM = b"42"
GOOD = [f"good{number:02d}" for number in range(40)]


def spoiled(voice, value, key=VICTIM, *, id="e1", other=(), without=(), translated=True):
    """A record with the right headers for a wrong value, or with wrong headers."""
    if value is not None and translated:
        for theirs, ours in ((ONE.prefix, voice.contract.prefix), (ONE.frame, voice.contract.frame)):
            if value.startswith(theirs):
                value = ours + value[len(theirs) :]
                break
    right = dict(headers(voice.contract, id=id, recorded=MOMENT, value=value or b""))
    pairs = [*((name, held) for name, held in (right | dict(other)).items() if name not in without)]
    return Message(voice.topic, key, value, pairs)


def outside(voice):
    """Rows 18, 19, 26 and 43: what only headers, keys and places show."""
    good = record()
    yield "18 digest", spoiled(voice, good, other=[("bus-sha256", b"\0" * 32)]), "DIGEST", "42"
    yield "18 no digest", spoiled(voice, good, without=["bus-sha256"]), "DIGEST", "42"
    flood = spoiled(voice, good)
    yield "19 flood", flood._replace(headers=[(f"h{n}", b"x") for n in range(10_000)]), "HEADERS", "42"
    yield "19 twice", flood._replace(headers=[*flood.headers, ("ce_id", b"e2")]), "HEADERS", "42"
    yield "19 large", spoiled(voice, good, other=[("x", b"y" * 9000)]), "HEADERS", "42"
    yield "19 another town", spoiled(voice, good, other=[("ce_source", b"urn:jp-lg:131016:juki")]), "HEADERS", "42"
    yield "43 another person's key", spoiled(voice, good, b"777"), "KEY", "raw:373737"
    yield "43 no key", spoiled(voice, good, b""), "KEY", "raw:"
    yield "a key that is no text", spoiled(voice, b"", b"\xff\xfe"), "EMPTY", "raw:fffe"
    sly = record(key=string("42\u3000"))
    yield "a key that is nobody's", spoiled(voice, sly, "42\u3000".encode()), "KEY", "raw:" + "42\u3000".encode().hex()


ELSEWHERE = {"3 another department's schema"}  # here: the neighbour's own number, below
RAW = {"26 another town": "raw:3432"}  # not to be believed: whose it is, nobody knows


def versions(voice):
    """Rows 20 to 24: what only the person's position shows. (key, message, code or None for dropped)"""
    yield from ((f"dup{n}", voice.say(f"dup{n}", 1), None) for n in range(3))  # 20
    yield "reuse", voice.say("reuse", 1, "forged"), "ID_REUSE"  # 21
    yield "gap", voice.say("gap", 3), "GAP"  # 22
    yield "gap", voice.say("gap", 4), "BEHIND"
    yield "older", voice.say("older", 1), None  # 23
    yield "jump", voice.say("jump", 5_000_000), "RANGE"  # 24
    yield "negative", voice.say("negative", -5), "RANGE"
    yield "overflow", voice.say("overflow", 2**62), "RANGE"


def run(room, store):
    try:
        return serve(
            room.name, intake(room.known, room.name, READ), TABLES, [room.voice.topic], room.broker, store,
            holder=here(), group="g", until_idle=True,
        )  # fmt: skip
    finally:
        store.close()


@pytest.mark.parametrize("room", [(GRANTED,)], indirect=True)
def test_hostile_records_end_as_the_catalogue_says_and_everybody_else_is_served(room, capfd):
    voice, expected = room.voice, Counter()
    first = [voice.say(key, 1) for key in (*GOOD, "dup0", "dup1", "dup2", "reuse", "gap", "older", "jump", "negative")]
    room.broker.publish([*first, voice.say("older", 2)])
    spoilt = [
        (spoiled(voice, value), code, RAW.get(row, "42"))
        for row, (value, code) in HOSTILE.items()
        if row not in ELSEWHERE
    ]
    spoilt += [(message, code, key) for _, message, code, key in outside(voice)]
    neighbour = room.known.narrowed("neighbour").frame + voice.contract.prefix[5:] + record(prefix=b"")
    spoilt.append((spoiled(voice, neighbour, translated=False), "SCHEMA_UNKNOWN", "42"))
    messages, dropped = [], 0
    for number, (message, code, key) in enumerate(spoilt):
        messages += [message, voice.say(GOOD[number % len(GOOD)], 2 + number // len(GOOD))]
        expected[key, code] += 1
    for key, message, code in versions(voice):
        messages.append(message)
        dropped += code is None
        expected[key, code] += code is not None
    room.broker.publish(messages)
    _bomb(room)
    expected["bomb", "SCHEMA_UNKNOWN"] += 1

    done = run(room, open_store(room.dsn))

    store = open_store(room.dsn)
    store.prepare(TABLES)
    parked = Counter((entry.key, entry.code) for entry in store.parked(room.name))
    assert parked == +expected
    assert done.stale == dropped
    told = names(store.rows("residents"))
    last = {GOOD[n % len(GOOD)]: f"v{2 + n // len(GOOD)}" for n in range(len(spoilt))}
    assert {key: told[key] for key in GOOD} == {key: last.get(key, "v1") for key in GOOD}
    assert "42" not in told
    out = "".join(capfd.readouterr())
    assert SECRET not in out
    assert "person_parked" in out
    assert not any(f'"{key}"' in out for key in (*GOOD, "42", "777"))
    store.close()


def _bomb(room):
    """Row 17: a kilobyte on the wire, eight megabytes in memory."""
    producer = Producer(room.client | {"message.max.bytes": 10_000_000, "compression.type": "zstd"})
    producer.produce(room.voice.topic, b"\0" * 8_000_000, b"bomb")
    assert producer.flush(30) == 0


@pytest.mark.parametrize("room", [(GRANTED,)], indirect=True)
def test_a_record_too_large_is_refused_before_it_is_sent(room):
    with pytest.raises(Reject) as refused:
        room.broker.publish([room.voice.say("a", 1), room.voice.say("a", 2)._replace(value=b"\0" * 1_000_001)])

    assert refused.value.index == 1
    assert sum(room.broker.ends([room.voice.topic]).values()) == 0
