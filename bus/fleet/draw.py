"""How does the city's figure look, with what really crossed in it? A bus of numbered lanes between its systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from bus.fleet.layout import BOX, EDGE, HEAD, LANES, LEFT, RIGHT, SHEET, TOP, Lane, Panel, Stop, Track, lanes, panels
from bus.fleet.model import STATES, worst
from bus.fleet.svg import Paper, broken, fit, width
from bus.fleet.words import WORDS, count, moment, name, sentence, told

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
        _panel(paper, panel, GROUPS[number % len(GROUPS)], document, lang)
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
    words, interfaces = WORDS[lang], document["interfaces"]
    many, few = str(interfaces["point_to_point"]), str(interfaces["contracts"])
    y = TOP + 14.5
    paper.text(EDGE, y, many, 15, bold=True)
    x = EDGE + width(many, 15, bold=True) + 2
    paper.path(f"M{x:.2f} {y - 5:.2f}h9m-3.4 -3.2l3.4 3.2l-3.4 3.2", fill="none", line=INK, thick=1.1)
    paper.text(x + 13, y, few, 15, bold=True, fill=LOOKS["current"].colour)
    paper.text(EDGE, y + 5.4, words["point"], fit(words["point"], 40, 3.2), fill=SOFT)
    paper.text(x + 13, y + 5.4, words["contract"], fit(words["contract"], 30, 3.2), fill=SOFT)
    said = sentence(interfaces, lang)
    paper.text(EDGE, y + 12, said, fit(said, LEFT - EDGE - 5, 3.2, bold=True), bold=True)
    crossed, all_ = _crossed(document["flows"])
    state = f"{crossed} / {all_} {words['pairs']}" + (" が流れています" if lang == "ja" else " have crossed")
    short = len(document["missing"])
    tail = f"（{words['missing']} {short}）" if lang == "ja" else f" ({words['missing']} {short})"
    paper.text(
        EDGE, y + 17.6, state + (tail if short else ""), 3.2, bold=True,
        fill=LOOKS["never" if short else "current"].colour,
    )  # fmt: skip


def _crossed(flows: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    pairs = [pair for flow in flows for pair in flow["pairs"]]
    return sum(pair["crossed"] for pair in pairs), len(pairs)


def _bands(paper: Paper, ways: Sequence[Lane]) -> None:
    top, bottom = LANES
    for number, lane in enumerate(ways):
        if number % 2 == 0:
            paper.rect(EDGE - 2, lane.y, SHEET[0] - 2 * EDGE + 4, lane.high, fill="#F1F5F9")
    for y in (top, bottom):
        paper.line(EDGE - 2, y, SHEET[0] - EDGE + 2, y, colour=HAIR, thick=0.3)


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
    state = _state(flow["pairs"])
    y = lane.tracks[0].y
    paper.rect(EDGE, y - 3.1, 11, 6.2, fill=LOOKS[state].colour, round_=1.2)
    paper.text(EDGE + 5.5, y + 1.35, flow["flow"], 3.7, bold=True, fill="#FFFFFF", anchor="middle")
    _label(paper, flow, y, lang)
    for track in lane.tracks:
        _status(paper, track, lang)
        if track is not lane.tracks[0]:
            who = "・".join(name(stops[one].system, lang) for one in track.producers)
            who = f"{who} から" if lang == "ja" else f"from {who}"
            paper.text(EDGE + 13, track.y - 0.4, who, fit(who, LEFT - EDGE - 17, 3.2), fill=INK)
        _track(paper, track, flow, stops, lang)
    paper.text(SHEET[0] - EDGE, y + 1.1, flow["flow"], 3, fill=SOFT, anchor="end", bold=True)
    paper.end()


def _label(paper: Paper, flow: Mapping[str, Any], y: float, lang: str) -> None:
    said, note, room = name(flow, lang), flow[f"note_{lang}"], LEFT - EDGE - 17
    size = fit(said, room - (width(note, 2.8) + 2 if note else 0), 3.8, bold=True)
    paper.text(EDGE + 13, y - 0.4, said, size, bold=True)
    if note:
        paper.text(EDGE + 14.5 + width(said, size, bold=True), y - 0.4, note, 2.8, fill=SOFT)


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
        said = f"{WORDS[lang]['missing']} {len(track.pairs) - crossed}"
    x, y = EDGE + 13, track.y + 3.1
    paper.text(x, y, said, 2.8, bold=True, fill=LOOKS[state].colour)
    much = count(sum(counts) if counts else None, lang)
    paper.text(x + 22, y, f"{crossed}/{len(track.pairs)} {WORDS[lang]['pairs']}", 2.8, fill=SOFT)
    paper.text(LEFT - 5, y, much, 2.8, fill=SOFT, anchor="end")


def _track(paper: Paper, track: Track, flow: Mapping[str, Any], stops: Mapping[str, Stop], lang: str) -> None:
    """Thick where something crossed; a thin line reaches on to who still waits."""
    known = [one for one in (*track.producers, *track.consumers) if one in stops]
    states = {one: _of(one, track.pairs) for one in known}
    living = [stops[one].x for one in known if states[one] != "never"]
    crossing = [pair["state"] for pair in track.pairs if pair["crossed"]]
    if len(living) < len(known):
        _line(paper, [stops[one].x for one in known], track.y, "never")
    if len(living) > 1:
        _line(paper, living, track.y, worst(crossing))
    for one in known:
        own = [pair for pair in track.pairs if one in (pair["producer"], pair["consumer"])]
        paper.group("mark", f"{flow['flow']} {one}", "\n".join(_said(pair, lang) for pair in own))
        _mark(paper, stops[one], track.y, states[one], source=one in track.producers)
        paper.end()


def _line(paper: Paper, xs: Sequence[float], y: float, state: str) -> None:
    look = LOOKS[state]
    paper.line(min(xs), y, max(xs), y, colour="#FFFFFF", thick=look.thick + 1.4)  # over the stems it does not stop at
    paper.line(min(xs), y, max(xs), y, colour=look.colour, thick=look.thick, dash=look.dash, cap=look.cap)


def _of(system: str, pairs: Sequence[Mapping[str, Any]]) -> str:
    """By what did cross: who else is missing shows at the other end."""
    return worst(pair["state"] for pair in pairs if pair["crossed"] and system in (pair["producer"], pair["consumer"]))


def _said(pair: Mapping[str, Any], lang: str) -> str:
    state = told(pair["state"], pair["age_seconds"], lang)
    return f"{pair['producer']} → {pair['consumer']}: {', '.join(pair['entities'])}; {count(pair['count'], lang)}; {state}"


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


def _panel(paper: Paper, panel: Panel, colour: str, document: Mapping[str, Any], lang: str) -> None:
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
        _box(paper, stop, colour, document, lang)


def _box(paper: Paper, stop: Stop, colour: str, document: Mapping[str, Any], lang: str) -> None:
    system, words, room = stop.system, WORDS[lang], stop.wide - 2
    look = LOOKS[system["state"]]
    paper.group("system", system["id"], f"{name(system, lang)} bus connector status {system['id']}")
    paper.rect(stop.left, stop.y, stop.wide, BOX, fill="#FFFFFF", line=colour, thick=0.6, round_=1.2,
               dash="" if system["connector"] else "1.6 1.2")  # fmt: skip
    lines = system["lines_ja"] if lang == "ja" else broken(name(system, lang))
    big = min(fit(line, room, 4.7 if lang == "ja" else 3.6, bold=True) for line in lines)
    y = stop.y + (6.1 if len(lines) > 1 else 8.6)
    for number, line in enumerate(lines):
        paper.text(stop.x, y + number * 5.2, line, big, bold=True, anchor="middle")
    paper.text(stop.x, stop.y + 15.6, system["id"], fit(system["id"], room, 2.7), fill=SOFT, anchor="middle")
    for number, key in enumerate(("heard", "published")):
        paper.text(stop.left + 1.4, stop.y + 19.6 + number * 3.5, words[key], 2.7, fill=SOFT)
        many = count(system[key], lang)
        paper.text(stop.left + stop.wide - 1.4, stop.y + 19.6 + number * 3.5, many, 2.7, anchor="end")
    said = _system_said(system, document, lang)
    paper.text(stop.x, stop.y + 27.9, said, fit(said, room, 3, bold=True), bold=True, fill=look.colour, anchor="middle")
    paper.end()


def _system_said(system: Mapping[str, Any], document: Mapping[str, Any], lang: str) -> str:
    if not system["connector"]:
        return WORDS[lang]["no_connector"]
    short = sum(system["id"] in line.split() for line in document["missing"])
    said = told(system["state"], system["age_seconds"], lang)
    return f"{said}・{WORDS[lang]['missing']} {short}" if short and system["crossed"] else said


def _legend(paper: Paper, lang: str) -> None:
    words, y = WORDS[lang], LANES[1] + 7.6
    example = Stop({}, EDGE + 6, 0, 0, top=True)
    for number, state in enumerate(STATES):
        at = y + number * 6.4
        _line(paper, (EDGE, EDGE + 26), at, state)
        _mark(paper, example, at, state, source=True)
        for place, top in ((EDGE + 14, True), (EDGE + 21, False)):
            _mark(paper, Stop({}, place, 0, 0, top), at, state, source=False)
        meaning = {"current": "10分以内" if lang == "ja" else "10 min or less", "late": "10分超" if lang == "ja" else
                   "over 10 min"}.get(state, "")  # fmt: skip
        paper.text(EDGE + 29, at + 1.1, f"{words[state]} {meaning}".strip(), 3.1, bold=True, fill=LOOKS[state].colour)
    paper.text(EDGE, y + 27, f"● {words['publishes']}", 3)
    paper.text(EDGE + 27, y + 27, f"▲▼ {words['hears']}", 3)


def _foot(paper: Paper, document: Mapping[str, Any], lang: str) -> None:
    words = WORDS[lang]
    crossed, all_ = _crossed(document["further"])
    left = f"{words['proof']}: bus connector status ID"
    right = f"{words['further']}: {crossed} / {all_} {words['pairs']}" if all_ else ""
    paper.text(EDGE, 288.5, left, 2.8, fill=SOFT)
    paper.text(SHEET[0] - EDGE, 288.5, right, 2.8, fill=SOFT, anchor="end")


