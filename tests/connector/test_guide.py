"""Does the connector in connectors/README.md work as printed?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bus.connector.manifest import load
from bus.contract.schema import Contracts
from bus.kit.fleet import report
from bus.topology.model import load as load_topology

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "connectors" / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    blocks = re.findall(r"```(?:yaml|python)\n(.*?)```", GUIDE, re.DOTALL)
    stanza, manifest, rules, law, examples = blocks
    base = (ROOT / "topology.yaml").read_text(encoding="utf-8").partition("subscriptions:")[0]
    folder = tmp_path / "connectors" / "library"
    folder.mkdir(parents=True)
    (tmp_path / "topology.yaml").write_text(base + stanza, encoding="utf-8")
    (folder.parent / "law.yaml").write_text(law, encoding="utf-8")
    for name, content in (("connector.yaml", manifest), ("rules.py", rules), ("examples.yaml", examples)):
        (folder / name).write_text(content, encoding="utf-8")
    return tmp_path


def test_the_library_of_the_guide_does_what_its_example_says(project):
    topology = load_topology(project / "topology.yaml")
    contracts = Contracts.provisional(ROOT / "schemas", topology)
    library = load(project / "connectors" / "library", topology, contracts)

    assert [verdict for verdict in report(library, topology, contracts) if not verdict.ok] == []


def test_the_guide_knows_the_words_that_there_are():
    from bus.language.words import ENVELOPE

    row = next(line for line in GUIDE.splitlines() if line.startswith("| envelope |"))

    assert {name.partition(".")[0] for name in ENVELOPE} == set(re.search(r"`(id kind [^`]*)`", row)[1].split())
