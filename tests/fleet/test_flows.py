"""Is the city's figure whole in schemas/flows.yaml, and is every mistake in such a file named with its line?"""

from __future__ import annotations

import pytest

from bus.errors import Misconfigured
from bus.fleet.flows import load
from bus.fleet.model import interfaces

from .city import ROOT, flows, machine_form

GOOD = """groups:
  tax: {name_ja: 税, name_en: Tax}
systems:
  juki: {group: tax, name_ja: 住民基本台帳, name_en: Register, lines_ja: [住民, 基本台帳]}
  kokuho: {group: tax, name_ja: 国保, name_en: Health}
flows:
  F01:
    name_ja: 住基情報
    name_en: Residents
    carries:
      - {entity: juki.resident, from: juki, to: [kokuho]}
"""


def test_every_pair_of_the_figure_is_covered_by_a_contract_and_no_other():
    city = flows()

    covered = {(flow.id, pair.producer, pair.consumer) for flow in city.figure for pair in flow.pairs()}

    assert covered == machine_form()


def test_there_are_24_systems_and_the_20_flows_in_order():
    city = flows()

    ids = [flow.id for flow in city.figure]

    assert len(city.systems) == 24
    assert ids == [f"F{number:02}" for number in range(1, 21)]


def test_every_system_takes_part_in_a_flow_of_the_figure():
    city = flows()

    part = {system for flow in city.figure for pair in flow.pairs() for system in pair}

    assert part == set(city.systems)


def test_the_interfaces_are_computed_from_the_table():
    city = flows()

    counted = interfaces(city)

    assert counted["point_to_point"] == len(machine_form())
    assert counted["contracts"] == len({carry.entity for flow in city.figure for carry in flow.carries})
    assert counted["contracts"] < counted["point_to_point"]


def test_flows_of_one_name_are_told_apart_by_a_note():
    city = flows()

    said = [(flow.name_ja, flow.note_ja) for flow in city.figure]

    assert len(set(said)) == len(said)


def test_a_file_without_a_mistake_is_read(tmp_path):
    path = tmp_path / "flows.yaml"
    path.write_text(GOOD, encoding="utf-8")

    city = load(path)

    assert city.systems["juki"].lines_ja == ("住民", "基本台帳")
    assert city.heard("kokuho") == ("juki.resident",)
    assert city.published("juki") == ("juki.resident",)


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("to: [kokuho]", "to: [kokoho]", "flows.yaml:11: F01: there is no system kokoho"),
        ("entity: juki.resident", "entity: kokuho.resident", "flows.yaml:11: F01: kokuho.resident is not published"),
        ("to: [kokuho]", "to: [kokuho, kokuho]", "flows.yaml:11: F01: that kokuho hears juki.resident is said twice"),
        ("to: [kokuho]", "to: [juki]", "flows.yaml:11: F01: juki would hear itself"),
        ("to: [kokuho]", "to: []", "flows.yaml:11: F01.carries.to must be a list"),
        ("  F01:", "  G01:", "G01: a flow here is called F and two digits"),
        ("[住民, 基本台帳]", "[住民, 台帳]", "flows.yaml:4: systems.juki.lines_ja do not add up"),
        ("kokuho: {group: tax", "kokuho: {group: taxes", "flows.yaml:5: systems.kokuho: there is no group taxes"),
        ("    name_en: Residents\n", "", "F01: name_en is missing"),
        ("name_en: Residents", "name_eng: Residents", "flows.yaml:9: F01: unknown key name_eng"),
        ("- {entity", "- {when: now, entity", "flows.yaml:11: F01.carries: unknown key when"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, old, new, mistake):
    assert old in GOOD
    path = tmp_path / "flows.yaml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(Misconfigured) as caught:
        load(path)

    assert mistake in caught.value.message


def test_the_groups_of_the_file_are_those_of_the_figure():
    city = load(ROOT / "schemas" / "flows.yaml")

    assert set(city.groups) == {"resident", "tax", "insurance", "welfare", "education", "internal"}
    assert {system.group for system in city.systems.values()} == set(city.groups)
