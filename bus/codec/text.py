"""Which characters may a text hold? Names pass byte for byte; what deceives terminals and databases does not."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from bus.errors import Reject

GAIJI: tuple[tuple[int, int], ...] = ((0xE000, 0xE757),)  # the user-defined block of CP932, F040 to F9FC
IDEOGRAPHS = range(0x20000, 0x40000)  # planes 2 and 3: names use kanji newer than this Python's tables


def fault(text: str, gaiji: Sequence[tuple[int, int]] = GAIJI) -> str | None:
    """NUL, CONTROL, ENCODING or None."""
    if text.isprintable():
        return None
    for letter in text:
        if not letter.isprintable() and (found := _fault(letter, gaiji)):
            return found
    return None


def _fault(letter: str, gaiji: Sequence[tuple[int, int]]) -> str | None:
    if letter == "\0":
        return "NUL"
    category, code = unicodedata.category(letter), ord(letter)
    if category == "Cs":
        return "ENCODING"
    if category == "Zs":  # spaces, U+3000 among them
        return None
    if category == "Co" and any(first <= code <= last for first, last in gaiji):
        return None
    if category == "Cn" and code in IDEOGRAPHS and code & 0xFFFE != 0xFFFE:
        return None
    return "CONTROL"  # Cc, Cf (bidi, zero-width, tags), Zl, Zp, other private use, noncharacters, unassigned


_WHAT = {
    "NUL": "the text holds a NUL",
    "CONTROL": "the text holds a control, invisible or undeclared character",
    "ENCODING": "the text holds half a character",
}


def check(text: str, where: str) -> str:
    if code := fault(text):
        raise Reject(_WHAT[code], code=code, where=where)
    return text
