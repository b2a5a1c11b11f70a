"""Do the fleet's properties notice a connector that does not keep its word?"""

from __future__ import annotations

import pytest

from bus.contract.schema import Contracts
from bus.errors import Misconfigured
from bus.kit.fleet import report
from tests.connector.project import READS, Project
from tests.contract.towns import SCHEMAS

MANIFEST = """\
name_ja: 見本
keeps:
  residents: {key: person, only_if: is_here(), columns: {name: name.full}}
appends:
  letters: {from: [TENNYU], columns: {person: event.key}}
"""
RULES = "def is_here(person) -> bool:\n    return person.is_resident\n"
EXAMPLES = """\
- example: who moves in is kept
  date: 2025-05-01
  events: [{TENNYU: {is_resident: true, name: {full: 見本}}}]
  residents: [{person: P1, name: 見本}]
  letters: [{kind: REGISTER}]
"""


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, reads=("is_resident", "name.full")).write(connector=MANIFEST, rules=RULES)


def broken(project: Project, examples: str = EXAMPLES) -> set[str]:
    (project.folder / "examples.yaml").write_text(examples, encoding="utf-8")
    topology = project.topology
    verdicts = report(project.load(), topology, Contracts.provisional(SCHEMAS, topology))
    return {verdict.owed for verdict in verdicts if not verdict.ok}


def test_a_connector_that_keeps_its_word_owes_nothing(project):
    assert broken(project) == set()


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("name: 見本}]\n  l", "name: 他}]\n  l"),
        ("[{person: P1, name: 見本}]", "[]"),
        ("[{kind: REGISTER}]", "[{}, {}]"),
        ("letters:", "bus_review: [{why: x}]\n  letters:"),
        ("letters:", "bus_parked: [{code: RULE}]\n  letters:"),
        ("letters:", "notes: []\n  letters:"),
    ],
)
def test_an_example_that_says_otherwise_is_noticed(project, said, instead):
    assert "it_does_what_the_example_says" in broken(project, EXAMPLES.replace(said, instead))


def test_a_grant_that_nobody_reads_is_noticed(project):
    project.reads = READS

    assert broken(project) == {"every_granted_field_is_read"}


def test_a_rule_that_no_example_asks_for_is_noticed(project):
    second = "  guests: {key: person, only_if: is_guest(), columns: {name: name.full}}\nappends:"
    project.write(
        connector=MANIFEST.replace("appends:", second),
        rules=RULES + "\n\ndef is_guest(person) -> bool:\n    return person.is_resident and not person.name.full\n",
    )

    assert broken(project) == set()
    assert broken(project, "[]\n") == {"every_rule_is_asked_in_an_example"}


def test_a_concern_that_turns_back_and_loses_an_annulment_is_noticed(project):
    project.concerns = "is_here()"

    assert broken(project) == {"an_annulment_restores_what_was_before"}


def test_an_example_about_a_field_that_is_none_is_a_mistake_of_the_example(project):
    with pytest.raises(Misconfigured):
        project.load()
        (project.folder / "examples.yaml").write_text("- {example: x, date: 2025-05-01, events: [{tennyu: {}}]}\n")
        from bus.kit.examples import read

        read(project.folder)
