"""Does a manifest become the connector it says, and is every mistake reported at once, with its line?"""

from __future__ import annotations

from datetime import date

import pytest

from bus.errors import Misconfigured
from bus.store import Column, Table
from tests.connector.project import Project

PLAIN = """\
name_ja: 見本
keeps:
  residents:
    key: person
    columns:
      name: name.full
      born: birth.text
      born_not_before: birth.earliest
      here: is_resident
appends:
  moves:
    from: [TENNYU]
    columns:
      person: event.key
      moved_on: event.effective
      version: event.version
      told: event.recorded
      source: {value: juki}
      sex: {code: sex, in: sexes}
codes:
  sexes: {"1": 男, "2": 女}
"""


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def mistakes(project: Project) -> list[str]:
    with pytest.raises(Misconfigured) as raised:
        project.load()
    return raised.value.message.splitlines()


def test_tables_columns_and_types_follow_from_the_words(project):
    connector = project.write(connector=PLAIN).load()

    residents = Table("residents", (
        Column("person", "text"), Column("name", "text"), Column("born", "text"), Column("born_not_before", "date"),
        Column("here", "bool"),
    ), kept=True)  # fmt: skip
    moves = Table("moves", (
        Column("event_id", "text"), Column("kind", "text"), Column("supersedes", "text"), Column("person", "text"),
        Column("moved_on", "text"), Column("version", "int"), Column("told", "timestamp"), Column("source", "text"),
        Column("sex", "text"),
    ), kept=False)  # fmt: skip
    assert (connector.id, connector.name_ja, connector.tables) == ("toy", "見本", (residents, moves))
    view = connector.views["juki.resident"]
    assert view.paths == ("birth.earliest", "birth.text", "is_resident", "name.full", "sex")
    assert view.uses == {"birth", "is_resident", "name.full", "sex"}


def test_a_rule_types_its_column_by_its_annotation_and_its_fields_are_read(project):
    rules = """\
from datetime import date
from typing import NamedTuple
from bus import certain

class Sheet(NamedTuple):
    number: int
    since: date | None

def is_here(person) -> bool:
    return helper(person)

def helper(person):
    return person.is_resident

def born_in(person) -> int | None:
    return certain(person.birth, lambda day: day.year)

def sheets(person) -> list[Sheet]:
    return [Sheet(1, person.move_out.planned_on.earliest)]
"""
    manifest = """\
name_ja: 見本
keeps:
  residents: {key: person, only_if: is_here(), columns: {year: born_in()}}
  sheets: {key: person, rows: sheets()}
"""

    connector = project.write(connector=manifest, rules=rules).view()

    assert connector.tables[0].columns == (Column("person", "text"), Column("year", "int"))
    assert connector.tables[1].columns == (Column("person", "text"), Column("number", "int"), Column("since", "date"))
    assert connector.tables[1].many
    assert connector.uses == {"is_resident", "birth", "move_out.planned_on"}


def test_every_mistake_is_told_at_once_with_its_line(project):
    wrong = """\
name_ja: 見本
extra: 1
keeps:
  residents:
    columns: {name: name.full}
  people:
    key: person
    only_if: nobody_wrote_this()
    columns:
      name: name.ful
      kana: name.kana
      born: birth
      said: event.effective
      when: event.recordd
      odd: {valu: 1}
      kind: {value: a, type: varchar}
      sex: {code: sex, in: nowhere}
  bus_applied: {key: person, columns: {name: name.full}}
appends:
  moves: {columns: {person: event.key}}
  more: {from: [TENNYUU], columns: {event_id: event.id}}
"""

    found = mistakes(project.write(connector=wrong))

    place = "connectors/toy/connector.yaml"
    for line, words in {
        2: "unknown key extra",
        4: "residents needs a key",
        8: "nobody_wrote_this() is not a rule in rules.py",
        10: "unknown word name.ful",
        11: "name.kana is not granted: see reads in topology.yaml",
        12: "birth is an uncertain date: say birth.text, birth.earliest or birth.latest",
        13: "event.effective: a kept row names no event",
        14: "event.recordd: unknown word",
        15: "odd is no word",
        16: "unknown column type varchar",
        17: "there is no code list nowhere",
        18: "bus_applied is not a name for a new table",
        20: "moves needs from",
        21: "TENNYUU is no reason of juki.resident",
    }.items():
        assert [one for one in found if one.startswith(f"{place}:{line}: ") and words in one], (line, words, found)


def test_a_connector_without_a_subscription_is_told_so(project):
    project.subscribed = False

    assert mistakes(project.write(connector=PLAIN)) == [
        "connectors/toy/connector.yaml:1: no subscription toy in topology.yaml"
    ]


def test_a_rule_that_reads_what_is_not_granted_is_found_before_it_runs(project):
    rules = "def is_here(person) -> bool:\n    return person.is_resident and person.name.kana is not None\n"
    manifest = "name_ja: 見本\nkeeps:\n  residents: {key: person, only_if: is_here(), columns: {name: name.full}}\n"

    found = mistakes(project.write(connector=manifest, rules=rules))

    assert found == ["connectors/toy/rules.py:2: name.kana is not granted: see reads in topology.yaml"]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os", "import os is not allowed"),
        ("from pathlib import Path", "import from pathlib is not allowed"),
        ("from bus.settings import Settings", "import from bus.settings is not allowed"),
        ("from bus import Settings", "Settings is not a public name of bus"),
        ("SEEN = []", "only imports, functions, named tuples and constants"),
        ("print(1)", "only imports, functions, named tuples and constants"),
        ("def f(person):\n    return open('x')", "open is not allowed"),
        ("def f(person):\n    return eval('1')", "eval is not allowed"),
        ("def f(person):\n    global X\n    return 1", "rules do not remember"),
        ("from datetime import date\ndef f(person):\n    return date.today()", ".today looks at the clock"),
        ("from datetime import datetime\ndef f(person):\n    return datetime.now()", ".now looks at the clock"),
        ("def f(person):\n    return ().__class__", ".__class__ is private"),
        ("def f(person):\n    person.sex = 1", "nothing may be changed from a rule"),
        ("def f(person):\n    return getattr(person, 'sex')", "getattr is not allowed"),
        ("def f(person):\n    return str(person)", "person is used whole"),
        ("def f(person):\n    return person.address", "address is a group: name the field"),
        ("def f(person):\n    return person.shoe_size", "shoe_size is not a field of the resident"),
        ("def f(person):\n    return person.birth.year", "birth is an uncertain date"),
        ("def f(person):\n    yield 1", "rules are ordinary functions"),
        ("def f(", "is not Python"),
    ],
)
def test_rules_are_pure_or_the_connector_does_not_start(project, code, told):
    found = mistakes(project.write(connector=PLAIN, rules=code + "\n"))

    assert [one for one in found if one.startswith("connectors/toy/rules.py:") and told in one], found


def test_concerns_names_a_rule_and_where_it_cannot_tell_the_person_concerns(project):
    project.concerns = "is_grown_up()"
    rules = """\
from datetime import date
from bus import attains, certain

def is_grown_up(person, on: date) -> bool:
    return certain(person.birth, lambda born: attains(born, 18) <= on)
"""
    connector = project.write(connector=PLAIN, rules=rules).view()

    assert connector.concern is not None
    assert connector.concerns({"birth": None}, date(2025, 1, 1))
    assert not connector.concerns(None, date(2025, 1, 1))


def test_concerns_that_names_no_rule_is_a_mistake(project):
    project.concerns = "is_grown_up()"

    assert "concerns is_grown_up() is not a rule in rules.py" in mistakes(project.write(connector=PLAIN))[0]


def test_yaml_that_is_none_is_told_with_its_line(project):
    assert mistakes(project.write(connector="name_ja: [\n"))[0].startswith(
        "connectors/toy/connector.yaml:2: is not YAML"
    )
