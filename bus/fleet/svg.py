"""How does a drawing become SVG text, and how wide is a word? Sizes are millimetres on paper."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from html import escape
from typing import Final

FLOOR: Final = 2.6  # mm: what can still be read on an A3 sheet at arm's length
FONT: Final = "'BIZ UDPGothic','BIZ UDGothic','Noto Sans CJK JP','Noto Sans JP',Meiryo,'Hiragino Sans',sans-serif"
_NARROW: Final = frozenset("iljtfrI.,:;'|!()[] -/")
_WIDE_LATIN: Final = frozenset("mwMW%@&")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """About, and rather too much: fonts differ from site to site."""
    return sum(_em(letter) for letter in text) * size * (1.04 if bold else 1.0)


def _em(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WFA":
        return 1.0
    if letter in _NARROW:
        return 0.36
    if letter in _WIDE_LATIN:
        return 0.9
    return 0.66 if letter.isupper() else 0.58


def fit(text: str, room: float, size: float, *, bold: bool = False) -> float:
    """The size, or less when the room is short, but never below what can be read."""
    wide = width(text, size, bold=bold)
    return size if wide <= room else max(FLOOR, int(size * room / wide * 100) / 100)


def wrapped(text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
    """Broken at spaces, so that no line is wider than the room, if its words are not."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and width(f"{lines[-1]} {word}", size, bold=bold) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


@dataclass(slots=True)
class Paper:
    """Collects elements in the order in which they are drawn."""

    width: float
    height: float
    title: str
    lang: str
    parts: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, said: str, size: float, *, bold: bool = False, fill: str = "#111827",
        anchor: str = "start",
    ) -> None:  # fmt: skip
        weight = ' font-weight="700"' if bold else ""
        where = f'x="{number(x)}" y="{number(y)}"'
        self.parts.append(
            f'<text {where} font-size="{number(size)}" fill="{fill}" text-anchor="{anchor}"{weight}>'
            f"{escape(said)}</text>"
        )

    def rect(
        self, x: float, y: float, wide: float, high: float, *, fill: str, line: str = "none", thick: float = 0.3,
        round_: float = 0.0, dash: str = "",
    ) -> None:  # fmt: skip
        self.parts.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(wide)}" height="{number(high)}"'
            f' rx="{number(round_)}" fill="{fill}" stroke="{line}" stroke-width="{number(thick)}"{_dash(dash)}/>'
        )

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, colour: str, thick: float, dash: str = "",
        cap: str = "butt",
    ) -> None:  # fmt: skip
        self.parts.append(
            f'<line x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}" stroke="{colour}"'
            f' stroke-width="{number(thick)}" stroke-linecap="{cap}"{_dash(dash)}/>'
        )

    def circle(self, x: float, y: float, r: float, *, fill: str, line: str, thick: float, dash: str = "") -> None:
        self.parts.append(
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(r)}" fill="{fill}" stroke="{line}"'
            f' stroke-width="{number(thick)}"{_dash(dash)}/>'
        )

    def path(self, d: str, *, fill: str, line: str, thick: float, dash: str = "") -> None:
        self.parts.append(
            f'<path d="{d}" fill="{fill}" stroke="{line}" stroke-width="{number(thick)}"'
            f' stroke-linejoin="round" stroke-linecap="round"{_dash(dash)}/>'
        )

    def group(self, name: str, value: str, told: str = "") -> None:
        """Until `end`; `told` is what a mouse that rests on it shows."""
        hint = f"<title>{escape(told)}</title>" if told else ""
        self.parts.append(f'<g data-{name}="{escape(value)}">{hint}')

    def end(self) -> None:
        self.parts.append("</g>")

    def __str__(self) -> str:
        size = f'width="{number(self.width)}mm" height="{number(self.height)}mm"'
        box = f'viewBox="0 0 {number(self.width)} {number(self.height)}"'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img" xml:lang="{self.lang}"'
            f' font-family="{FONT}">'
        )
        return "\n".join(
            ['<?xml version="1.0" encoding="UTF-8"?>', head, f"<title>{escape(self.title)}</title>", *self.parts,
             "</svg>\n"]
        )  # fmt: skip


def _dash(pattern: str) -> str:
    return f' stroke-dasharray="{pattern}"' if pattern else ""
