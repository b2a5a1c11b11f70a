"""Can the map be read: is all on it, at a size that eyes can read, and nothing over anything else?"""

from __future__ import annotations

import copy
import itertools
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from bus.fleet.draw import LOOKS, draw
from bus.fleet.model import STATES
from bus.fleet.svg import FLOOR, width

from .city import NOW, a_bad_night, all_crossed, flows, told

SVG = "{http://www.w3.org/2000/svg}"
CITY = flows()
BIG = [type(one)(one.subscription, one.entity, 1_234_567, NOW, 90_000.0) for one in all_crossed(CITY)]
NIGHTS = {
    "good": told(CITY),
    "bad": a_bad_night(CITY),
    "nothing": told(CITY, [], published={}),
    "a large city, a day late": told(CITY, BIG, published=dict.fromkeys([one.entity for one in BIG], 3_456_789)),
}
EVERY = [(night, lang) for night in NIGHTS for lang in ("ja", "en")]


class Box(NamedTuple):
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """By more than a hair: the widths are estimates, and rather too large."""
        return (
            min(self.right, other.right) - max(self.left, other.left) > 0.4
            and min(self.bottom, other.bottom) - max(self.top, other.top) > 0.4
        )


def sheet(night: str, lang: str) -> ET.Element:
    return ET.fromstring(draw(NIGHTS[night], lang).encode())


def texts(root: ET.Element) -> list[ET.Element]:
    return list(root.iter(f"{SVG}text"))


def box(element: ET.Element) -> Box:
    x, y, size = (float(element.attrib[name]) for name in ("x", "y", "font-size"))
    said = element.text or ""
    wide = width(said, size, bold=element.get("font-weight") == "700")
    left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[element.attrib["text-anchor"]]
    return Box(said, left, y - 0.8 * size, left + wide, y + 0.1 * size)


@pytest.mark.parametrize(("night", "lang"), EVERY)
def test_no_text_lies_over_another_one(night, lang):
    boxes = [box(element) for element in texts(sheet(night, lang))]

    over = [(one.text, other.text) for one, other in itertools.combinations(boxes, 2) if one.meets(other)]

    assert over == []


@pytest.mark.parametrize(("night", "lang"), EVERY)
def test_every_text_can_be_read_and_lies_on_the_sheet(night, lang):
    root = sheet(night, lang)

    boxes = [box(element) for element in texts(root)]

    assert root.attrib["viewBox"] == "0 0 420 297"
    assert min(float(element.attrib["font-size"]) for element in texts(root)) >= FLOOR
    assert [one for one in boxes if one.left < 5 or one.right > 415 or one.top < 5 or one.bottom > 292] == []


@pytest.mark.parametrize(("night", "lang"), EVERY)
def test_what_is_said_of_a_system_stays_in_its_box(night, lang):
    root = sheet(night, lang)

    for group in root.iter(f"{SVG}g"):
        if "data-system" in group.attrib:
            frame = group.find(f"{SVG}rect")
            left, wide = float(frame.attrib["x"]), float(frame.attrib["width"])
            outside = [one.text for one in map(box, texts(group)) if one.left < left or one.right > left + wide]
            assert outside == [], group.attrib["data-system"]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_system_flow_and_group_is_on_it_by_name(lang):
    document = NIGHTS["good"]

    root = sheet("good", lang)

    found = {kind: [g.attrib[f"data-{kind}"] for g in root.iter(f"{SVG}g") if f"data-{kind}" in g.attrib]
             for kind in ("system", "flow", "group")}  # fmt: skip
    said = "".join(element.text or "" for element in texts(root)).replace(" ", "")
    assert sorted(found["system"]) == sorted(CITY.systems)
    assert found["flow"] == [flow.id for flow in CITY.figure]
    assert sorted(found["group"]) == sorted(CITY.groups)
    for one in (*document["systems"], *document["flows"], *document["groups"]):
        assert one[f"name_{lang}"].replace(" ", "") in said, one


def test_every_end_of_every_pair_has_its_mark_with_the_pair_behind_it():
    document = NIGHTS["bad"]

    root = sheet("bad", "ja")

    behind: dict[str, str] = {}
    for group in root.iter(f"{SVG}g"):
        if "data-mark" in group.attrib:
            mark = group.attrib["data-mark"]
            behind[mark] = behind.get(mark, "") + (group.find(f"{SVG}title").text or "")
    for flow in document["flows"]:
        for pair in flow["pairs"]:
            for end in (pair["producer"], pair["consumer"]):
                assert f"{pair['producer']} → {pair['consumer']}:" in behind[f"{flow['flow']} {end}"]


def test_a_state_is_told_without_colour_too():
    ways = {state: (look.thick, look.dash) for state, look in LOOKS.items()}

    said = "".join(element.text or "" for element in texts(sheet("bad", "ja")))

    assert set(LOOKS) == set(STATES)
    assert len(set(ways.values())) == len(ways)
    assert all(word in said for word in ("最新", "遅れ", "不明", "未着", "接続なし"))


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_numbers_of_the_bus_and_the_moment_are_said(lang):
    interfaces = NIGHTS["good"]["interfaces"]

    said = [element.text or "" for element in texts(sheet("good", lang))]

    assert str(interfaces["point_to_point"]) in said
    assert str(interfaces["contracts"]) in said
    assert any("15:57 JST" in text for text in said)
    assert any("999999" in text for text in said)


def test_what_a_document_says_cannot_break_out_of_the_drawing():
    document = copy.deepcopy(NIGHTS["good"])
    document["town"] = '<script>"&'
    document["flows"][1]["name_ja"] = "a<b>&\"'"

    svg = draw(document)

    root = ET.fromstring(svg.encode())
    assert "<script" not in svg
    assert any(element.text == "a<b>&\"'" for element in texts(root))
