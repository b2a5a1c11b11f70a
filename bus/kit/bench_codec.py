"""How fast is a resident's event read and written, beside the libraries a vendor would take?"""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bus.codec.flat import flat
from bus.codec.node import node
from bus.codec.written import record
from bus.errors import Usage
from bus.kit.bench import Contender, Race

FRAME = b"\0\0\0\0\1"
Schema = dict[str, Any]
SEED = 20_260_401


def _texts(*names: str) -> list[Schema]:
    return [{"name": name, "type": ["null", "string"], "default": None} for name in names]


def _date(name: str) -> Schema:
    return {"name": name, "type": ["null", {"type": "int", "logicalType": "date"}], "default": None}


def _record(name: str, kind: str, *fields: Schema) -> Schema:
    return {"name": name, "type": {"type": "record", "name": kind, "fields": list(fields)}}


def _enum(name: str, kind: str, *symbols: str) -> Schema:
    return {"name": name, "type": {"type": "enum", "name": kind, "symbols": list(symbols)}}


_TIME = {"type": "long", "logicalType": "timestamp-micros"}
_HOUSEHOLD = ("no", "relation_code", "relation", "head_name", "order")
_PLACE = ("municipality_code", "town_code", "prefecture", "city", "town", "lot", "building", "postal_code")

# The event of the study: 58 leaves; nested names, addresses, household; nullable unions, enums, dates, times, Japanese.
RESIDENT_EVENT: Schema = {
    "type": "record", "name": "ResidentEvent", "namespace": "jp.lg.bench", "fields": [
        {"name": "id", "type": "string"},
        _enum("kind", "BenchKind", "REGISTER", "AMEND", "CORRECT", "ANNUL", "END"),
        {"name": "reason", "type": "string"},
        {"name": "key", "type": "string"},
        {"name": "version", "type": "long"},
        {"name": "recorded", "type": _TIME},
        {"name": "published", "type": ["null", _TIME], "default": None},
        {"name": "effective", "type": {"type": "int", "logicalType": "date"}},
        *_texts("supersedes", "change_set", "operator"),
        {"name": "is_resident", "type": "boolean"},
        _record("name", "BenchName", *_texts(
            "full", "family", "given", "kana", "family_kana", "given_kana", "roman", "old_family", "common")),
        _enum("sex", "BenchSex", "MALE", "FEMALE", "BLANK"),
        _date("birth"),
        *_texts("birth_era"),
        {"name": "birth_unknown", "type": "boolean"},
        _record("address", "BenchAddress", *_texts(*_PLACE), _date("since")),
        _record("previous", "BenchPrevious", *_texts(*_PLACE), _date("until")),
        _record("household", "BenchHousehold", *_texts(*_HOUSEHOLD), _date("since")),
        *_texts("honseki", "honseki_head"),
        *[_date(name) for name in ("resident_since", "notified_on", "died_on", "left_on")],
        *_texts("country_code", "status_code"),
        _date("expires_on"),
    ],
}  # fmt: skip


def leaves(schema: Schema = RESIDENT_EVENT, prefix: str = "") -> Iterator[str]:
    for field in schema["fields"]:
        kind = field["type"]
        if isinstance(kind, dict) and kind["type"] == "record":
            yield from leaves(kind, f"{prefix}{field['name']}.")
        else:
            yield prefix + field["name"]


_LEFT_OUT = frozenset((
    "published", "supersedes", "change_set", "operator", "name.roman", "name.old_family", "name.common",
    "birth_unknown", "previous.town_code", "previous.building", "previous.postal_code", "household.order",
    "household.since", "honseki_head", "country_code", "status_code",
))  # fmt: skip
COLUMNS_42 = tuple(path for path in leaves() if path not in _LEFT_OUT)
COLUMNS_12 = (
    "key", "version", "recorded", "is_resident", "name.full", "name.kana", "birth", "address.town", "address.lot",
    "address.building", "household.no", "resident_since",
)  # fmt: skip


def events(count: int) -> list[dict[str, Any]]:
    """The same people every time; nobody real."""
    chance = random.Random(SEED)  # a fixed sequence, no secret
    return [_event(chance, number) for number in range(count)]


_FAMILY = (
    ("佐藤", "サトウ"),
    ("髙橋", "タカハシ"),
    ("渡邊", "ワタナベ"),
    ("小笠原", "オガサワラ"),
    ("𠮷田", "ヨシダ"),
    ("林", "ハヤシ"),
)
_GIVEN = (
    ("一郎", "イチロウ"),
    ("京子", "キョウコ"),
    ("健太郎", "ケンタロウ"),
    ("凛", "リン"),
    ("さくら", "サクラ"),
    ("翔", "ショウ"),
)
_TOWNS = ("中央一丁目", "本町", "緑ヶ丘三丁目", "字北原", "東山町", "港南二丁目")
_BUILDINGS = ("コーポさくら２０１号", "グランドハイツ中央１２０３号室", "県営住宅３－４０５")


def _event(chance: random.Random, number: int) -> dict[str, Any]:
    (family, family_kana), (given, given_kana) = chance.choice(_FAMILY), chance.choice(_GIVEN)
    moved = chance.random() < 0.3
    foreign = chance.random() < 0.03
    recorded = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(microseconds=chance.randrange(30 * 86_400_000_000))
    day = recorded.date() - timedelta(days=chance.randrange(14))
    place = _place(chance)
    return {
        "id": f"{chance.getrandbits(128):032x}", "kind": chance.choice(("REGISTER", "AMEND", "AMEND", "AMEND", "END")),
        "reason": chance.choice(("TENNYU", "TENKYO", "SHOKKEN_SHUSEI")), "key": f"{number:010d}",
        "version": chance.randrange(1, 40), "recorded": recorded, "published": recorded + timedelta(milliseconds=9),
        "effective": day, "supersedes": None, "change_set": f"{chance.getrandbits(64):016x}" if moved else None,
        "operator": "SAMPLE", "is_resident": chance.random() < 0.95,
        "name": {
            "full": f"{family}　{given}", "family": family, "given": given, "kana": f"{family_kana}　{given_kana}",
            "family_kana": family_kana, "given_kana": given_kana, "roman": "SAMPLE TARO" if foreign else None,
            "old_family": None, "common": None,
        },
        "sex": chance.choice(("MALE", "FEMALE")), "birth": date(1930, 1, 1) + timedelta(days=chance.randrange(35_000)),
        "birth_era": "3", "birth_unknown": False, "address": place | {"since": day if moved else date(2010, 4, 1)},
        "previous": (_place(chance) if moved else dict.fromkeys(_PLACE)) | {"until": day if moved else None},
        "household": {
            "no": f"{chance.randrange(10**8):09d}", "relation_code": "02", "relation": "世帯主",
            "head_name": f"{family}　{given}", "order": "1", "since": date(2010, 4, 1),
        },
        "honseki": None if foreign else "サンプル県サンプル市" + chance.choice(_TOWNS),
        "honseki_head": f"{family}　{given}",
        "resident_since": date(2010, 4, 1), "notified_on": day, "died_on": None, "left_on": None,
        "country_code": "999" if foreign else None, "status_code": "01" if foreign else None, "expires_on": None,
    }  # fmt: skip


def _place(chance: random.Random) -> dict[str, Any]:
    lot = f"{chance.randrange(1, 40)}番地{chance.randrange(1, 20)}"
    building = chance.choice(_BUILDINGS) if chance.random() < 0.4 else None
    values = (
        "999999",
        f"{chance.randrange(10**6):07d}",
        "サンプル県",
        "サンプル市",
        chance.choice(_TOWNS),
        lot,
        building,
        "9990001",
    )
    return dict(zip(_PLACE, values, strict=True))


PACKAGES = ("confluent-kafka", "fastavro")
_TARGETS = {
    "decode 42 columns": {"confluent": 6.0, "fastavro": 2.0},
    "decode 12 columns": {"confluent": 7.0, "fastavro": 3.5},
    "encode": {"confluent": 3.5, "fastavro": 3.0},
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def races(peers: Sequence[str], _wiring: Any = None, count: int = 1500) -> list[Race]:
    """Decode and project to 42 and to 12 columns, and encode, with the plans that the product uses."""
    known = events(count)
    tree = node(RESIDENT_EVENT)
    write = record(tree, FRAME)
    values = [write(event) for event in known]
    found = []
    for columns in (COLUMNS_42, COLUMNS_12):
        plan, name = flat(tree, columns, FRAME), f"decode {len(columns)} columns"
        theirs = [(peer, _projected(read, columns, values)) for peer, read in _readers().items()]
        found.append(_race(name, count, _each(plan, values), theirs, peers, _same_rows))
    theirs = [(peer, _each(encode, known)) for peer, encode in _writers().items()]
    found.append(_race("encode", count, _each(write, known), theirs, peers, _same_bytes))
    return found


def _race(name: str, count: int, ours: Any, theirs: list[tuple[str, Any]], only: Sequence[str], same: Any) -> Race:
    if strangers := set(only) - {peer for peer, _ in theirs}:
        raise Usage(f"no such peer: {', '.join(sorted(strangers))}", hint=", ".join(peer for peer, _ in theirs))
    chosen = [Contender(peer, run) for peer, run in theirs if not only or peer in only]
    return Race(name, count, Contender("bus", ours), chosen, _TARGETS[name], same, time.process_time)


def _each(function: Any, values: Sequence[Any]) -> Any:
    return lambda: [function(value) for value in values]


def _projected(read: Any, columns: Sequence[str], values: Sequence[bytes]) -> Any:
    """The peer's dict, projected by generated code as well, so that only the libraries are compared."""
    parts = ", ".join("r" + "".join(f"[{name!r}]" for name in path.split(".")) for path in columns)
    project = eval(f"lambda r: ({parts},)")  # noqa: S307  # our own paths
    return lambda: [project(read(value)) for value in values]


def _readers() -> dict[str, Any]:
    import fastavro
    from confluent_kafka.schema_registry.avro import AvroDeserializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    parsed, plain = fastavro.parse_schema(RESIDENT_EVENT), fastavro.parse_schema(_without_logical(RESIDENT_EVENT))
    read, stream = fastavro.schemaless_reader, io.BytesIO
    registry, number = _mock_registry()
    foreign, context = AvroDeserializer(registry), SerializationContext("bench", MessageField.VALUE)
    if number != int.from_bytes(FRAME[1:], "big"):
        raise Usage("the mock registry did not give number 1")
    return {
        "confluent": lambda value: foreign(value, context),
        "fastavro": lambda value: read(stream(value[5:]), parsed),
        "fastavro_integers": lambda value: read(stream(value[5:]), plain),
    }


def _writers() -> dict[str, Any]:
    import fastavro
    from confluent_kafka.schema_registry.avro import AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    parsed, write = fastavro.parse_schema(RESIDENT_EVENT), fastavro.schemaless_writer
    foreign, context = (
        AvroSerializer(_mock_registry()[0], json.dumps(RESIDENT_EVENT)),
        SerializationContext("bench", MessageField.VALUE),
    )

    def by_fastavro(event: dict[str, Any]) -> bytes:
        out = io.BytesIO()
        out.write(FRAME)
        write(out, parsed, event)
        return out.getvalue()

    return {"confluent": lambda event: foreign(event, context), "fastavro": by_fastavro}


def _mock_registry() -> tuple[Any, int]:
    from confluent_kafka.schema_registry import Schema as Registered, SchemaRegistryClient

    registry = SchemaRegistryClient.new_client({"url": "mock://bench"})
    return registry, registry.register_schema("bench-value", Registered(json.dumps(RESIDENT_EVENT), "AVRO"))


def _without_logical(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_logical(one) for one in schema]
    if isinstance(schema, dict):
        return {name: _without_logical(value) for name, value in schema.items() if name != "logicalType"}
    return schema


def _same_rows(ours: Any, theirs: Any) -> bool:
    return len(ours) == len(theirs) and all(map(_same_row, ours, theirs))


def _same_row(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    return tuple(map(_number, ours)) == tuple(map(_number, theirs))


def _number(value: Any) -> Any:
    """Dates and times as the integers on the wire: peers give either."""
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(microseconds=1)
    return value.toordinal() - _EPOCH.date().toordinal() if isinstance(value, date) else value


def _same_bytes(ours: Any, theirs: Any) -> bool:
    return bool([value[5:] for value in ours] == [value[5:] for value in theirs])
