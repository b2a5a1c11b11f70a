"""Does the connector of the README work as printed?"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from bus.connector.manifest import load
from bus.contract.schema import Contracts
from bus.topology.model import load as topology
from tests.documents.reading import ROOT, blocks, commands, files


@pytest.fixture
def project(tmp_path):
    """The project of the README: ours, with the library added."""
    for name in ("schemas", "connectors"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "topology.yaml").read_text(encoding="utf-8")
    written = files("README.md")
    (tmp_path / "topology.yaml").write_text(text.rstrip() + "\n" + written.pop("topology.yaml"), encoding="utf-8")
    for name, body in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(body, encoding="utf-8")
    return tmp_path


def test_the_connector_of_the_readme_loads_without_a_mistake(project):
    model = topology(project / "topology.yaml")

    library = load(project / "connectors" / "toshokan", model, Contracts.provisional(project / "schemas", model))

    assert library.name_ja == "図書館"
    assert [table.name for table in library.tables] == ["card_holders", "farewells"]


def test_the_commands_of_the_readme_number_and_certify_it(project):
    environment = os.environ | {"BUS_PROJECT": str(project), "BUS_HOME": str(project / ".bus")}

    for words in (["contract", "lock"], ["connector", "test", "toshokan"]):
        assert words in commands("README.md")
        command = [sys.executable, "-m", "bus", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_both_readmes_print_the_same_connector():
    english, japanese = files("README.md"), files("README.ja.md")

    assert {name: english[name] for name in japanese} == japanese


def test_both_readmes_call_the_same_commands():
    def words(document):
        return [re.sub(r"\s*#.*", "", line) for block in blocks(document, "bash") for line in block.splitlines()]

    assert words("README.ja.md") == words("README.md")


@pytest.mark.parametrize("document", ["README.md", "README.ja.md"])
def test_every_place_the_readme_names_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:bus|schemas|connectors|ops|tests)/[\w/.-]*)`", text)) | set(
        re.findall(r"\]\(([\w./-]+)\)", text)
    )
    example = {name for name in named if "toshokan" in name or "/ID/" in name}

    assert [name for name in sorted(named - example) if not (ROOT / name).exists()] == []


def test_every_decision_is_listed_and_has_its_four_parts():
    listed = (ROOT / "ops/decisions/README.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "ops/decisions").glob("0*.md")):
        text = page.read_text(encoding="utf-8")
        assert page.name in listed
        assert all(f"**{part}**" in text or f"**{part}.**" in text for part in PARTS), page.name
        assert len(text.splitlines()) <= 60, page.name


PARTS = ("Status", "Context", "Decision", "Consequences")
