"""Do the commands say what an operator and a data steward need, and no person?"""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bus.adapters.sql.engine import engine
from bus.adapters.sql.positions import SqlPositions
from bus.broker import Record
from bus.cli import assemble
from bus.contract import review
from bus.disclosure.positions import BEHIND, SKIP, Held
from bus.disclosure.projector import NAME
from bus.disclosure.purpose import explain
from bus.topology.model import load
from tests.disclosure.town import CANONICAL, ENTITY, TOWN

ROOT = Path(__file__).parents[2]
TOPOLOGY = """
town: "999999"
topics:
  juki.resident: {schema: juki/resident.1, partitions: 4, holds: changes}
subscriptions:
  zei: {purpose: tax, statute: an article, reads: {juki.resident: [name.full, address.lot]}}
"""


@pytest.fixture
def bus(tmp_path, monkeypatch):
    """bus("purpose", "explain", …) -> (exit code, JSON); a project without a stack, the bus's database in a file."""
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    (tmp_path / "topology.yaml").write_text(TOPOLOGY, encoding="utf-8")
    review.lock(tmp_path / "schemas", load(tmp_path / "topology.yaml"))
    monkeypatch.setenv("BUS_PROJECT", str(tmp_path))
    monkeypatch.delenv("BUS_BOOTSTRAP", raising=False)
    monkeypatch.setenv("BUS_BUS_DSN", f"sqlite:///{tmp_path}/bus.db")

    def call(*arguments):
        result = CliRunner().invoke(assemble(), [*arguments, "--json"])
        return result.exit_code, json.loads(result.stdout)

    return call


@pytest.fixture
def positions(tmp_path):
    made = SqlPositions(engine(f"sqlite:///{tmp_path}/bus.db"))
    made.prepare()
    return made


def held(offset, code, key=b"0000123"):
    return Held(Record(CANONICAL.topic, 2, offset, key, b"secret", [("ce_id", b"x")]), code)


class TestPurpose:
    def test_every_granted_field_has_a_name_a_purpose_and_a_law(self, bus):
        code, document = bus("purpose", "explain", "zei")

        assert code == 0
        assert document["fields"] == [
            {
                "entity": ENTITY,
                "path": path,
                "name_ja": name,
                "purpose": "tax",
                "statute": "an article",
                "hidden_when_protected": hidden,
            }
            for path, name, hidden in (("name.full", "氏名", False), ("address.lot", "住所_番地号表記", True))
        ]

    def test_a_group_grants_its_fields_and_an_exemption_hides_nothing(self):
        document = explain(TOWN.subscriptions["fukushi"], lambda _: CANONICAL.image)

        paths = [field["path"] for field in document["fields"]]
        assert len([path for path in paths if path.startswith("address.")]) == 10
        assert not any(field["hidden_when_protected"] for field in document["fields"])

    def test_who_is_no_subscription_is_told_which_there_are(self, bus):
        code, document = bus("purpose", "explain", "nobody")

        assert code == 2
        assert document["error"]["hint"] == "there are: zei"


class TestProjector:
    def test_status_shows_places_and_no_person(self, bus, positions):
        epoch = positions.claim(NAME, "here:1", 10)
        positions.commit(NAME, epoch, {(CANONICAL.topic, 2): 9}, [held(7, "DIGEST"), held(8, BEHIND)])

        code, document = bus("projector", "status")

        assert code == 0
        assert (document["holder"], document["epoch"], document["lag_events"]) == ("here:1", 1, None)
        assert (document["held_persons"], document["held_records"]) == (1, 2)
        assert document["held"][0] | {"since": None} == {
            "where": f"{CANONICAL.topic}/2/7",
            "code": "DIGEST",
            "behind": 1,
            "since": None,
            "decision": None,
        }
        assert "123" not in json.dumps(document)
        assert "secret" not in json.dumps(document)

    def test_release_marks_the_first_record_of_a_person(self, bus, positions):
        epoch = positions.claim(NAME, "here:1", 10)
        positions.commit(NAME, epoch, {}, [held(7, "DIGEST"), held(8, BEHIND)])

        assert bus("projector", "release", f"{CANONICAL.topic}/2/7", "--reason", "ours", "--skip")[0] == 0
        assert bus("projector", "release", f"{CANONICAL.topic}/2/8", "--reason", "ours")[0] == 2
        assert bus("projector", "release", "nowhere", "--reason", "ours")[0] == 2
        assert [one.decision for one in positions.held()] == [SKIP, None]

    def test_without_a_broker_it_says_so_and_comes_back_later(self, bus):
        code, document = bus("projector", "run", "--until-idle")

        assert (code, document["error"]["code"]) == (6, "NO_BROKER")


class TestPositions:
    def test_settled_records_keep_their_trace_and_lose_their_bytes(self, positions):
        epoch = positions.claim(NAME, "here:1", 10)
        positions.commit(NAME, epoch, {}, [held(7, "DIGEST")])
        positions.commit(NAME, epoch, {}, [], [(CANONICAL.topic, 2, 7)])

        assert positions.held() == []
        with positions._engine.connect() as db:
            (row,) = db.exec_driver_sql("SELECT settled, record_key, value, headers FROM bus_held").all()
        assert row[0] is not None
        assert row[1:] == (None, None, None)

    def test_what_is_held_comes_back_as_it_was(self, positions):
        epoch = positions.claim(NAME, "here:1", 10)
        record = Record(CANONICAL.topic, 2, 7, b"\xff", None, [("a", None), ("a", b"\0")], 5)
        for _ in range(2):
            positions.commit(NAME, epoch, {}, [Held(record, "EMPTY")])

        (found,) = positions.held((CANONICAL.topic, 2, b"\xff"))
        assert found.record == record
