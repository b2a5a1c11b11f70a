"""Which cells of a register as it was found are doubtful? They are reported by column and code, and never altered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Final

from bus.dates import Uncertain
from bus.resident.codes import bare
from bus.resident.image import UNKNOWN_FLAGS, Flat
from bus.resident.numbers import is_checked

Doubt = tuple[str, str]  # path of the cell, code

_FULL_WIDTH: Final = "０１２３４５６７８９"
_MUNICIPALITIES: Final = (
    "municipality_code",
    "address.municipality_code",
    "previous.municipality_code",
    "honseki.municipality_code",
    "move_out.municipality_code",
)
# Codes have a width: `2` may be the `02` of another system, and sorts and joins as something else.
_WIDTHS: Final = {"household.relation_code": 2, "control.business": 2}
_DIGITS: Final = (
    "address.postal_code",
    "previous.postal_code",
    "move_out.postal_code",
    "juminhyo_code",
    "schemes.nenkin_no",
)


def doubts(key: str, image: Flat) -> Iterator[Doubt]:
    for look in _LOOKS:
        yield from look(key, image)


def _numbers(key: str, image: Flat) -> Iterator[Doubt]:
    for path in _MUNICIPALITIES:
        if image[path] and not is_checked(image[path], 6, "dantai"):
            yield path, "MUNICIPALITY_CHECK_DIGIT"
    for path in _DIGITS:
        if image[path] and any(letter in _FULL_WIDTH for letter in image[path]):
            yield path, "FULL_WIDTH_DIGITS"
    for path, width in _WIDTHS.items():
        if image[path] and len(image[path]) != width:
            yield path, "CODE_WIDTH"
    if not is_checked(key, len(key), "atena"):
        yield "key", "KEY_CHECK_DIGIT"  # only numbers issued under the standard have one (domain 4.1)
    if image["juminhyo_code"] and not is_checked(image["juminhyo_code"], 11, "juminhyo"):
        yield "juminhyo_code", "JUMINHYO_CHECK_DIGIT"


def _identifiers(_: str, image: Flat) -> Iterator[Doubt]:
    expected = {
        "juminhyo_code": image["is_resident"],
        "schemes.nenkin_no": image["schemes.nenkin"] == "1",
        "foreign.card_no": _is_foreign(image),
    }
    for path, is_expected in expected.items():
        if is_expected and image[path] is None:
            yield path, "EMPTY_IDENTIFIER"


def _history(key: str, image: Flat) -> Iterator[Doubt]:
    if image["history.no"] is not None and image["history.no"] == key:
        yield "history.no", "HISTORY_NO_EQUALS_KEY"
    state = bare(image["state"])
    if not image["is_resident"]:
        yield "state", {"2": "STATE_MOVED_OUT", "3": "STATE_DEAD"}.get(state, "STATE_NOT_RESIDENT")
    if image["move_out.planned_on"] and image["move_out.confirmed_on"] is None:
        yield "move_out.planned_on", "MOVE_OUT_UNCONFIRMED"


def _address(_: str, image: Flat) -> Iterator[Doubt]:
    parts = ("previous.prefecture", "previous.city", "previous.lot")
    if image["previous.town"] and all(image[path] is None for path in parts):
        yield "previous.town", "PREVIOUS_ADDRESS_UNSPLIT"
    if _is_foreign(image) and image["honseki.full"] is None:
        yield "honseki.full", "FOREIGNER_WITHOUT_HONSEKI"


def _birth(_: str, image: Flat) -> Iterator[Doubt]:
    if image["birth"] is None:
        yield "birth", "BIRTH_MISSING"
    if _is_foreign(image) and image["birth_era"] is not None:
        yield "birth_era", "ERA_ON_FOREIGNER"  # R6: foreigners' birth dates are kept in the western calendar
    if _before(image["resident_since"], image["birth"]):
        yield "resident_since", "RESIDENT_BEFORE_BIRTH"


def _schemes(_: str, image: Flat) -> Iterator[Doubt]:
    born, processed = _day(image["birth"]), image["movement.processed_on"]
    kaigo = _day(image["schemes.kaigo_since"])
    if born and kaigo and kaigo not in (_birthday(born, 65) - timedelta(days=1), _day(image["resident_since"])):
        yield "schemes.kaigo_since", "KAIGO_DATE"  # 介護保険法, 年齢計算ニ関スル法律: the day before the 65th birthday
    for path, code in (
        ("schemes.kouki_since", "KOUKI_AFTER_PROCESSING"),
        ("schemes.kaigo_since", "KAIGO_AFTER_PROCESSING"),
    ):
        if _before(processed, image[path]):
            yield path, code


def _dates(_: str, image: Flat) -> Iterator[Doubt]:
    for path, value in image.items():
        if isinstance(value, Uncertain) and value.earliest is None:
            flag = UNKNOWN_FLAGS.get(path)
            if flag is not None and image[flag] not in (None, "0"):
                yield flag, "BIRTH_UNKNOWN_FLAG" if path == "birth" else "DATE_UNKNOWN_FLAG"
            else:
                yield path, "DATE_UNREADABLE"


_LOOKS: Final[tuple[Callable[[str, Flat], Iterator[Doubt]], ...]] = (
    _numbers,
    _identifiers,
    _history,
    _address,
    _birth,
    _schemes,
    _dates,
)


def _is_foreign(image: Flat) -> bool:
    return bare(image["resident_type"]) == "2"


def _day(value: Any) -> date | None:
    return value.earliest if isinstance(value, Uncertain) and value.is_certain else None


def _before(one: Uncertain | None, other: Uncertain | None) -> bool:
    return bool(one and other and one.latest and other.earliest and one.latest < other.earliest)


def _birthday(born: date, age: int) -> date:
    """Of those born on 29 February, 1 March: the day before it is then 28 February."""
    leap = (born.month, born.day) == (2, 29)
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1) if leap else born
