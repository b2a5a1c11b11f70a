"""Are these digits what they claim to be? Check digits of the public numbers (domain 4.1)."""

from __future__ import annotations

import re
from typing import Final

_FULL_WIDTH: Final = str.maketrans("０１２３４５６７８９", "0123456789")
_JOINTS: Final = "-‐‑–—―−－ー \u3000"
# Twelve digits that stand alone, in whatever width, perhaps in groups of four as on the card.
_TWELVE: Final = re.compile(rf"(?<!\d)\d{{4}}([{_JOINTS}]?)\d{{4}}\1\d{{4}}(?!\d)")
# The id of an event is no number of anybody, whatever digits fell together in it: one in 700 looks like one.
_EVENT_ID: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")


def kojin_bango(body: str) -> str:
    """個人番号: the 12th digit of 11."""
    return _eleven(body, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2))


def juminhyo_code(body: str) -> str:
    """住民票コード: the 11th digit of 10, by the same rule."""
    return _eleven(body, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2))


def hojin_bango(body: str) -> str:
    """法人番号: the first digit, in front of 12."""
    total = sum(int(digit) * (1 if n % 2 else 2) for n, digit in enumerate(reversed(body), 1))
    return str(9 - total % 9)


def dantai_code(body: str) -> str:
    """団体コード: the 6th digit of 5."""
    return str((11 - _weighed(body, (6, 5, 4, 3, 2)) % 11) % 10)


def atena_bango(body: str) -> str:
    """宛名番号 and 世帯番号, newly issued: modulus 11, weights 2 to 7 from the right; 10 and 11 become 0."""
    weights = [2 + n % 6 for n in range(len(body))]
    return _rest(_weighed(body[::-1], weights))


def issued(serial: int) -> str:
    """A new 宛名番号 or 世帯番号: the serial and its check digit, 15 digits."""
    return f"{serial}{atena_bango(str(serial))}".zfill(15)


def is_checked(digits: str, length: int, rule: str) -> bool:
    """Does the last digit follow from the others?"""
    check = {"dantai": dantai_code, "juminhyo": juminhyo_code, "atena": atena_bango, "kojin": kojin_bango}[rule]
    return digits.isascii() and digits.isdigit() and len(digits) == length and check(digits[:-1]) == digits[-1]


def holds_kojin_bango(text: str) -> bool:
    """Is there anything in this text that could be somebody's 個人番号? Such a text is refused (番号法)."""
    if len(text) < 12:
        return False
    plain = _EVENT_ID.sub("", text).translate(_FULL_WIDTH)
    return any(
        kojin_bango(digits[:11]) == digits[11]
        for found in _TWELVE.finditer(plain)
        if (digits := re.sub(r"\D", "", found[0]))
    )


def _eleven(body: str, weights: tuple[int, ...]) -> str:
    return _rest(_weighed(body, weights))


def _weighed(body: str, weights: tuple[int, ...] | list[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))


def _rest(total: int) -> str:
    rest = total % 11
    return "0" if rest <= 1 else str(11 - rest)
