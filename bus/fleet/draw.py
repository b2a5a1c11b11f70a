"""How does the city's figure look, with what really crossed in it? A bus of numbered lanes between its systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from bus.fleet.layout import BOX, EDGE, HEAD, LANES, LEFT, RIGHT, SHEET, TOP, Lane, Panel, Stop, Track, lanes, panels
from bus.fleet.model import STATES, best, worst
from bus.fleet.svg import Paper, fit, width, wrapped
from bus.fleet.words import WORDS, count, moment, name, sentence, short, summary, system_told, told

INK: Final = "#111827"
SOFT: Final = "#4B5563"
HAIR: Final = "#9CA3AF"


class Look(NamedTuple):
    """A state is told by colour, by the line, by the mark and by its word; any one of them is enough."""

    colour: str
    thick: float
    dash: str
    cap: str


LOOKS: Final = {
    "current": Look("#0B57A4", 1.5, "", "round"),
    "late": Look("#B45309", 1.5, "3.4 1.5", "butt"),
    "unknown": Look("#4B5563", 1.3, "0.01 2.2", "round"),
    "never": Look("#B3261E", 0.5, "1.1 1.1", "butt"),
}
GROUPS: Final = ("#0F766E", "#1D4ED8", "#57534E", "#9A3412", "#9D174D", "#6D28D9")


def draw(document: Mapping[str, Any], lang: str = "ja") -> str:
    """SVG of an A3 sheet; the document is that of bus.fleet.model."""
    paper = Paper(*SHEET, f"{WORDS[lang]['title']} {document['town']}", lang)
    paper.rect(0, 0, *SHEET, fill="#FFFFFF")
    rows, ways = panels(document), lanes(document)
    stops = {stop.system["id"]: stop for panel in rows for stop in panel.stops}
    _title(paper, document, lang)
    _bands(paper, ways)
    _stems(paper, stops, ways)
    for lane in ways:
        _lane(paper, lane, stops, lang)
    for number, panel in enumerate(rows):
        _panel(paper, panel, GROUPS[number % len(GROUPS)], lang)
    _hero(paper, document, lang)
    _legend(paper, lang)
    _foot(paper, document, lang)
    return str(paper)


def _title(paper: Paper, document: Mapping[str, Any], lang: str) -> None:
    words = WORDS[lang]
    systems, flows = len(document["systems"]), len(document["flows"])
    how_many = f"{systems}システム・{flows}フロー" if lang == "ja" else f"{systems} systems, {flows} flows"
    paper.text(EDGE, 20.2, words["title"], 8.6, bold=True)
    paper.text(EDGE + width(words["title"], 8.6, bold=True) + 5, 20.2, how_many, 5, fill=SOFT)
    paper.text(SHEET[0] - EDGE, 14.2, f"{words['town']} {document['town']}", 3.6, anchor="end", bold=True)
    when = moment(document["at"], lang)
    paper.text(SHEET[0] - EDGE, 20.2, f"{when} 時点" if lang == "ja" else f"as of {when}", 3.6, anchor="end")
    paper.line(EDGE, 24.6, SHEET[0] - EDGE, 24.6, colour=INK, thick=0.6)


def _hero(paper: Paper, document: Mapping[str, Any], lang: str) -> None:
    """What the bus is for, in two numbers; and how much of it is true today."""
    interfaces = document["interfaces"]
    many, few = str(interfaces["point_to_point"]), str(interfaces["contracts"])
    y = TOP + 12.5
    paper.text(EDGE, y, many, 15, bold=True)
    x = EDGE + width(many, 15, bold=True) + 2
    paper.path(f"M{x:.2f} {y - 5.2:.2f}h9m-3.4 -3.2l3.4 3.2l-3.4 3.2", fill="none", line=INK, thick=1.1)
    paper.text(x + 13, y, few, 15, bold=True, fill=LOOKS["current"].colour)
    for number, said in enumerate(sentence(interfaces, lang)):
        paper.text(EDGE, y + 6.6 + number * 4.6, said, fit(said, LEFT - EDGE - 4, 3.4), fill=INK)
    crossed, all_ = _crossed(document["flows"])
    missing = len(document["missing"])
    state = "never" if missing else "current"
    said = summary(crossed, all_, missing, lang)
    paper.rect(EDGE, y + 13.6, LEFT - EDGE - 4, 7, fill="#FFFFFF", line=LOOKS[state].colour, thick=0.6, round_=1.2)
    size = fit(said, LEFT - EDGE - 8, 3.7, bold=True)
    paper.text(EDGE + 2, y + 18.4, said, size, bold=True, fill=LOOKS[state].colour)


def _crossed(flows: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    pairs = [pair for flow in flows for pair in flow["pairs"]]
    return sum(pair["crossed"] for pair in pairs), len(pairs)


def _bands(paper: Paper, ways: Sequence[Lane]) -> None:
    """The bus: one band per flow, shaded by turns so that the eye can follow."""
    (top, bottom), wide = LANES, SHEET[0] - 2 * EDGE + 6
    for number, lane in enumerate(ways):
        if number % 2 == 0:
            paper.rect(EDGE - 3, lane.y, wide, lane.high, fill="#EEF2F7")
    paper.rect(EDGE - 3, top, wide, bottom - top, fill="none", line=INK, thick=0.7, round_=1.6)


def _stems(paper: Paper, stops: Mapping[str, Stop], ways: Sequence[Lane]) -> None:
    """From the box to the farthest lane on which the system says or hears something."""
    for name_, stop in stops.items():
        ys = [t.y for lane in ways for t in lane.tracks if name_ in t.producers or name_ in t.consumers]
        if ys:
            far = max(ys) if stop.top else min(ys)
            dash = "" if stop.system["connector"] else "0.8 1.2"
            paper.line(stop.x, stop.mouth, stop.x, far, colour=HAIR, thick=0.7, dash=dash)


def _lane(paper: Paper, lane: Lane, stops: Mapping[str, Stop], lang: str) -> None:
    flow = lane.flow
    paper.group("flow", flow["flow"], f"{flow['flow']} {name(flow, lang)}")
    y = lane.tracks[0].y
    paper.rect(EDGE, y - 3.1, 11, 6.2, fill=LOOKS[_state(flow["pairs"])].colour, round_=1.2)
    paper.text(EDGE + 5.5, y + 1.35, flow["flow"], 3.7, bold=True, fill="#FFFFFF", anchor="middle")
    _label(paper, name(flow, lang), flow[f"note_{lang}"], y)
    for track in lane.tracks:
        _status(paper, track, lang)
        if track is not lane.tracks[0]:
            who = "・".join(name(stops[one].system, lang) for one in track.producers)
            who = f"{who}から" if lang == "ja" else f"from {who}"
            paper.text(EDGE + 13, track.y + 1.2, who, fit(who, LEFT - EDGE - 17, 3.2), fill=SOFT)
        _track(paper, track, flow, stops, lang)
    paper.end()


def _label(paper: Paper, said: str, note: str, y: float) -> None:
    """On one line where it fits, else on two, broken at the dot between two kinds of information or at a space."""
    x, room = EDGE + 13, LEFT - EDGE - 15
    beside = width(note, 2.9) + 2 if note else 0
    size = fit(said, room - beside, 4, bold=True)
    if size >= 3.3:
        paper.text(x, y + 1.4, said, size, bold=True)
        if note:
            paper.text(x + width(said, size, bold=True) + 2, y + 1.4, note, 2.9, fill=SOFT)
        return
    first, dot, rest = said.partition("・")
    lines = [said, note] if note else [first + dot, rest] if dot else wrapped(said, room, 3.3, bold=True)
    for number, line in enumerate(lines[:2]):
        paper.text(x, y - 0.6 + number * 3.8, line, fit(line, room, 3.3, bold=True), bold=True)


def _state(pairs: Sequence[Mapping[str, Any]]) -> str:
    return worst(pair["state"] for pair in pairs)


def _status(paper: Paper, track: Track, lang: str) -> None:
    """In words, what the lane shows by its line."""
    state = _state(track.pairs)
    crossed = sum(pair["crossed"] for pair in track.pairs)
    counts = [pair["count"] for pair in track.pairs if pair["count"] is not None]
    ages = [pair["age_seconds"] for pair in track.pairs if pair["age_seconds"] is not None]
    said = told(state, max(ages, default=None), lang)
    if state == "never" and crossed:
        said = f"{WORDS[lang]['never']} {len(track.pairs) - crossed}"
    right = SHEET[0] - EDGE
    paper.text(RIGHT + 2, track.y - 0.4, said, 3, bold=True, fill=LOOKS[state].colour)
    paper.text(right, track.y - 0.4, f"{crossed}/{len(track.pairs)}{' 対' if lang == 'ja' else ''}", 2.8, anchor="end")
    paper.text(right, track.y + 3, count(sum(counts) if counts else None, lang), 2.8, fill=SOFT, anchor="end")


def _track(paper: Paper, track: Track, flow: Mapping[str, Any], stops: Mapping[str, Stop], lang: str) -> None:
    known = sorted({*track.producers, *track.consumers} & stops.keys(), key=lambda one: stops[one].x)
    for left, right in pairwise(known):
        _line(paper, stops[left].x, stops[right].x, track.y, _between(track, stops, stops[left].x, stops[right].x))
    for one in known:
        own = [pair for pair in track.pairs if one in (pair["producer"], pair["consumer"])]
        crossed = [pair["state"] for pair in own if pair["crossed"]]
        source = one in track.producers
        paper.group("mark", f"{flow['flow']} {one}", "\n".join(_said(pair, lang) for pair in own))
        _mark(paper, stops[one], track.y, best(crossed) if source else worst(crossed), source=source)
        paper.end()


def _between(track: Track, stops: Mapping[str, Stop], left: float, right: float) -> str:
    """A stretch of a lane is as good as the best of what travels over it: behind it, only the late ones are left."""
    return best(
        pair["state"]
        for pair in track.pairs
        if min(stops[pair["producer"]].x, stops[pair["consumer"]].x) <= left
        and max(stops[pair["producer"]].x, stops[pair["consumer"]].x) >= right
    )


def _line(paper: Paper, left: float, right: float, y: float, state: str) -> None:
    look = LOOKS[state]
    paper.line(left, y, right, y, colour="#FFFFFF", thick=look.thick + 1.4)  # over the stems it does not stop at
    paper.line(left, y, right, y, colour=look.colour, thick=look.thick, dash=look.dash, cap=look.cap)


def _said(pair: Mapping[str, Any], lang: str) -> str:
    state = told(pair["state"], pair["age_seconds"], lang)
    return (
        f"{pair['producer']} → {pair['consumer']}: {', '.join(pair['entities'])}; {count(pair['count'], lang)}; {state}"
    )


def _mark(paper: Paper, stop: Stop, y: float, state: str, *, source: bool) -> None:
    """● where a system says something, ▲ ▼ towards the one that hears it; hollow unless it is current."""
    look, x = LOOKS[state], stop.x
    fill = look.colour if state == "current" else "#FFFFFF"
    dash = "0.9 0.7" if state == "unknown" else ""
    if source:
        paper.circle(x, y, 2.9, fill="#FFFFFF", line="none", thick=0)
        paper.circle(x, y, 2.1, fill=fill, line=look.colour, thick=0.8, dash=dash)
        middle = y
    else:
        up = -1 if stop.top else 1
        paper.path(_triangle(x, y, 3.4, up), fill="#FFFFFF", line="#FFFFFF", thick=1.2)
        paper.path(_triangle(x, y, 2.5, up), fill=fill, line=look.colour, thick=0.8, dash=dash)
        middle = y - up * 0.55
    if state == "never":
        d = f"M{x - 0.8:.2f} {middle - 0.8:.2f}l1.6 1.6m0 -1.6l-1.6 1.6"
        paper.path(d, fill="none", line=look.colour, thick=0.55)
    elif state == "late":
        paper.circle(x, middle, 0.6, fill=look.colour, line="none", thick=0)


def _triangle(x: float, y: float, r: float, up: int) -> str:
    """Pointing up with -1, down with 1."""
    return f"M{x:.2f} {y + up * r:.2f}L{x - r:.2f} {y - up * r * 0.8:.2f}L{x + r:.2f} {y - up * r * 0.8:.2f}Z"


def _panel(paper: Paper, panel: Panel, colour: str, lang: str) -> None:
    first, last = panel.stops[0], panel.stops[-1]
    y = first.y - HEAD if first.top else first.y + BOX
    wide = last.left + last.wide - first.left
    said = name(panel.group, lang)
    paper.group("group", panel.group["id"])
    paper.rect(first.left, y + (0 if first.top else 0.8), wide, HEAD - 0.8, fill=colour, round_=1)
    paper.text(first.left + wide / 2, y + (3.9 if first.top else 4.7), said, fit(said, wide - 3, 3.5, bold=True),
               bold=True, fill="#FFFFFF", anchor="middle")  # fmt: skip
    paper.end()
    for stop in panel.stops:
        _box(paper, stop, colour, lang)


def _box(paper: Paper, stop: Stop, colour: str, lang: str) -> None:
    system, words, room = stop.system, WORDS[lang], stop.wide - 2
    paper.group("system", system["id"], f"{name(system, lang)} bus connector status {system['id']}")
    paper.rect(stop.left, stop.y, stop.wide, BOX, fill="#FFFFFF", line=colour, thick=0.6, round_=1.2,
               dash="" if system["connector"] else "1.6 1.2")  # fmt: skip
    _name(paper, stop, name(system, lang) if lang == "en" else system["lines_ja"])
    paper.text(stop.x, stop.y + 15.8, system["id"], fit(system["id"], room, 2.7), fill=SOFT, anchor="middle")
    for number, key in enumerate(("heard", "published")):
        y = stop.y + 19.7 + number * 3.5
        paper.text(stop.left + 1.4, y, words[key], 2.7, fill=SOFT)
        paper.text(stop.left + stop.wide - 1.4, y, short(system[key], lang), 2.7, anchor="end")
    said, colour = system_told(system, lang), LOOKS["never" if system["missing"] else system["state"]].colour
    paper.text(stop.x, stop.y + 28, said, fit(said, room, 3, bold=True), bold=True, fill=colour, anchor="middle")
    paper.end()


def _name(paper: Paper, stop: Stop, said: str | Sequence[str]) -> None:
    room = stop.wide - 2
    most, lines = 4.7, said
    if isinstance(said, str):
        tries = ((size, wrapped(said, room, size, bold=True)) for size in (3.5, 3.2, 2.9, 2.7))
        most, lines = next((one for one in tries if len(one[1]) <= 3), (2.7, said.split(" ")))
    size = min(fit(line, room, most, bold=True) for line in lines)
    step = size * 1.12
    first = stop.y + 6.8 + size * 0.38 - step * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        paper.text(stop.x, first + number * step, line, size, bold=True, anchor="middle")


def _legend(paper: Paper, lang: str) -> None:
    words, y = WORDS[lang], LANES[1] + 7.6
    example = Stop({}, EDGE + 6, 0, 0, top=True)
    for number, state in enumerate(STATES):
        at = y + number * 6.4
        _line(paper, EDGE, EDGE + 26, at, state)
        _mark(paper, example, at, state, source=True)
        for place, top in ((EDGE + 14, True), (EDGE + 21, False)):
            _mark(paper, Stop({}, place, 0, 0, top), at, state, source=False)
        paper.text(EDGE + 29, at + 1.1, words[state], 3.1, bold=True, fill=LOOKS[state].colour)
        paper.text(EDGE + 30 + width(words[state], 3.1, bold=True), at + 1.1, words[f"means_{state}"], 2.8, fill=SOFT)
    paper.text(EDGE, y + 27, f"● {words['publishes']}", 3)
    paper.text(EDGE + 27, y + 27, f"▲▼ {words['hears']}", 3)


def _foot(paper: Paper, document: Mapping[str, Any], lang: str) -> None:
    words = WORDS[lang]
    crossed, all_ = _crossed(document["further"])
    left = f"{words['proof']}: bus connector status ID"
    right = f"{words['further']}: {crossed} / {all_} {words['pairs']}" if all_ else ""
    paper.text(EDGE, 288.5, left, 2.8, fill=SOFT)
    paper.text(SHEET[0] - EDGE, 288.5, right, 2.8, fill=SOFT, anchor="end")
