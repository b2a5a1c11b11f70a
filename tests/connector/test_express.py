"""Does the short way through a record say exactly what the long way says, and nothing where that refuses?"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from bus.adapters.memory import MemoryStore
from bus.adapters.sql.store import open_store
from bus.broker import Record
from bus.connector.intake import Intake
from bus.contract.framing import headers
from bus.dates import Uncertain
from bus.event import BARE, DATA, REMOVED, ChangeSet
from bus.language.mapping import compiled, mirrored
from bus.language.words import Decide, Envelope, Field, Plan
from bus.mirror.express import Ready
from bus.reading.law import Law
from bus.store import Column, Table
from tests.connector.department import contracts

ID = "mirror"
GRANTED = ("is_resident", "sex", "name.full", "name.kana", "birth", "address.lot", "address.building", "resident_since")
WORDS = (
    Field("name.full"), Envelope("protected"), Field("birth.earliest"), Field("address.lot"), Field("is_resident"),
    Field("name.kana"), Field("address.building"), Field("birth.text"), Field("resident_since.latest"),
)  # fmt: skip
TYPES = ("text", "bool", "date", "text", "bool", "text", "text", "text", "date")
TABLE = Table("people", (Column("person", "text"), *(Column(f"c{n}", t) for n, t in enumerate(TYPES))), kept=True)
WHEN = datetime(2026, 4, 1, 1, 2, 3, 456789, tzinfo=UTC)


class Mirror:
    paths = tuple(sorted(word.path for word in WORDS if isinstance(word, Field)))
    plans = (Plan("people", True, WORDS),)
    plan = staticmethod(compiled(plans, paths, (), Law({})))
    mirror = (TABLE, mirrored(plans))


KNOWN = contracts(ID, GRANTED)
CONTRACT = KNOWN.narrowed(ID)
PLAIN = {
    "is_resident": True, "name.full": "見本　花子", "name.kana": "ミホン　ハナコ",
    "birth": Uncertain.parse("1970-12-23"),
    "address.lot": "1番地2", "resident_since": Uncertain.parse("2026-04-01"), "sex": "2",
}  # fmt: skip
PEOPLE = [
    PLAIN,
    dict.fromkeys(GRANTED) | {"is_resident": False},
    PLAIN | {"address.building": "コーポさくら２０１号", "name.kana": None, "birth": None},
    PLAIN | {"name.full": "𠮷田　髙"},
]


def record(values: dict[str, object], *, mode: str = DATA, version: int = 2, key: str = "0000000001", **body) -> Record:
    said = (
        body.get("kind", "AMEND"), "TENKYO", Uncertain.on(WHEN.date()), body.get("supersedes"), body.get("change_set"),
        body.get("protected", False),
    )  # fmt: skip
    cells = [values.get(path) for path in CONTRACT.paths]
    micros = int(WHEN.timestamp()) * 1_000_000 + WHEN.microsecond
    value = CONTRACT.encode_narrowed(
        f"e-{version}", key, version, micros, mode, said if mode == DATA else None, cells if mode == DATA else (),
        incarnation="one",
    )  # fmt: skip
    return outside(value, key.encode(), f"e-{version}")


def outside(value: bytes, key: bytes = b"0000000001", id: str = "e-2") -> Record:
    given = headers(CONTRACT, id=id, recorded=WHEN, value=value)
    return Record(CONTRACT.topic, 0, 7, key, value, given)


@pytest.fixture(scope="module")
def intake() -> Intake:
    made = Intake(Mirror(), CONTRACT, KNOWN)
    made(record(PLAIN))
    return made


def short(intake: Intake, one: Record):
    (express,) = intake._express.values()
    return express(one)


def shape(delivery):
    changes = [(change.table, change.key, tuple(change.rows)) for change in delivery.changes]
    same = (delivery.key, delivery.version, delivery.recorded, delivery.id, delivery.digest, delivery.mode)
    return (*same, delivery.kind, changes, list(delivery.reviews), delivery.reject)


def of_line(ready: Ready) -> tuple[object, ...]:
    """What PostgreSQL makes of the line, by the names of the columns."""
    kinds = {column.name: column.type for column in TABLE.columns}
    cells = dict(zip(ready.columns, ready.line.decode().removesuffix("\n").split("\t"), strict=True))
    read = {"text": str, "bool": {"t": True, "f": False}.__getitem__, "date": datetime.fromisoformat}
    values = {name: read[kinds[name]](cell) if cell else None for name, cell in cells.items()}
    return tuple(v.date() if isinstance(v := values[column.name], datetime) else v for column in TABLE.columns)


@pytest.mark.parametrize("values", PEOPLE)
@pytest.mark.parametrize(
    "body", [{}, {"protected": True, "kind": "CORRECT", "supersedes": "e-0"}, {"change_set": ("c", 4, 2)}]
)
def test_the_short_way_says_what_the_long_way_says(intake, values, body):
    given = body | ({"change_set": ChangeSet(*body["change_set"])} if "change_set" in body else {})
    one = record(values, **given)

    fast, slow = short(intake, one), intake._judged(one)

    assert fast is not None
    assert shape(fast) == shape(slow)
    assert of_line(fast.changes[0].rows) == slow.changes[0].rows[0]


@pytest.mark.parametrize(
    "one",
    [
        record(PLAIN, mode=BARE),
        record(PLAIN, mode=REMOVED),
        record(PLAIN, version=9000),
        record(PLAIN | {"name.full": "長" * 30}),
        record(PLAIN | {"name.full": ""}),
        record(PLAIN | {"name.full": "a\\N"}),
        record(PLAIN | {"birth": Uncertain.parse("昭和10年頃")}),
        record(PLAIN, key="A-1"),
    ],
)  # fmt: skip
def test_what_is_unusual_goes_the_long_way(intake, one):
    assert short(intake, one) is None
    assert intake(one).reject is None


@pytest.mark.parametrize("values", PEOPLE)
def test_whatever_one_byte_becomes_the_short_way_never_says_more_than_the_long_way(intake, values):
    good = record(values)

    for at in range(len(good.value)):
        for byte in {
            0,
            1,
            2,
            3,
            9,
            10,
            31,
            0x5C,
            0x7F,
            0x80,
            0xC3,
            0xFF,
            good.value[at] ^ 1,
            (good.value[at] + 2) & 255,
        }:
            one = outside(good.value[:at] + bytes([byte]) + good.value[at + 1 :])
            fast = short(intake, one)
            if fast is not None:
                assert shape(fast) == shape(intake._judged(one)), (at, byte)
                assert of_line(fast.changes[0].rows) == fast.changes[0].rows[0]


@pytest.mark.parametrize("values", PEOPLE)
def test_neither_does_it_for_bytes_left_out_or_said_twice(intake, values):
    good = record(values).value

    for at in range(len(good)):
        for changed in (good[:at], good[:at] + good[at + 1 :], good[:at] + good[at : at + 1] + good[at:]):
            one = outside(changed)
            fast = short(intake, one)
            assert fast is None or shape(fast) == shape(intake._judged(one)), at


def spoiled() -> list[Record]:
    good = record(PLAIN)
    named = dict(good.headers)
    wrong = [
        [*good.headers, ("x", b"1")], good.headers[1:],
        [*good.headers[:-1], ("bus-sha256", hashlib.sha256(b"").digest())],
        [*good.headers[:-1], ("bus-sha256", None)], [*good.headers[:6], good.headers[0]],
    ]  # fmt: skip
    wrong += [list((named | {name: b"other"}).items()) for name in ("ce_id", "ce_source", "ce_type")]
    spoiled = [good._replace(headers=given) for given in wrong]
    return [
        *spoiled,
        good._replace(key=b"2"),
        good._replace(key=None),
        good._replace(topic="other"),
        good._replace(value=None),
    ]


@pytest.mark.parametrize("one", spoiled())
def test_a_record_whose_outside_is_not_to_the_letter_goes_the_long_way(intake, one):
    assert short(intake, one) is None


def test_a_store_without_copy_reads_the_line_as_values(intake):
    store = MemoryStore()
    store.prepare([TABLE])
    store.claim(ID, "test")

    store.apply(ID, [intake(record(PLAIN, version=1))], {})

    assert store.rows("people") == [intake._judged(record(PLAIN)).changes[0].rows[0]]


def test_only_what_is_kept_as_it_is_heard_is_a_mirror():
    assert mirrored(Mirror.plans) is not None
    assert mirrored((Plan("people", False, WORDS),)) is None
    assert mirrored((Plan("people", True, (*WORDS, Decide(None))),)) is None  # type: ignore[arg-type]
    assert mirrored((*Mirror.plans, *Mirror.plans)) is None


@pytest.mark.stack
def test_postgresql_takes_lines_and_values_in_one_batch(intake, database):
    store = open_store(database("department"))
    store.prepare([TABLE])
    store.claim(ID, "test")
    long = PLAIN | {"name.full": "長" * 30}
    heard = [
        record(PEOPLE[number % 4] if number % 5 else long, version=version, key=f"{number:010d}")
        for version in (1, 2)
        for number in range(20)
    ]

    store.apply(ID, [intake(one) for one in heard[:20]], {})
    done = store.apply(ID, [intake(one) for one in heard[20:]] + [intake(record(PLAIN, mode=REMOVED, version=3))], {})

    expected = [intake._judged(one).changes[0].rows[0] for one in heard[20:]]
    assert done.fresh == 21
    assert store.rows("people") == sorted(row for row in expected if row[0] != "0000000001")
    store.close()
