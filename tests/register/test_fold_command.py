"""Does `bus fold` say what was so on a day, as it was known at an instant, and nothing about the person?"""

from __future__ import annotations

import json

import fastavro
import pytest
from typer.testing import CliRunner

from bus.cli import assemble

ALIVE, DEAD = {"is_resident": True, "state": "1", "name": {"full": "見本　花"}}, {"is_resident": False, "state": "3"}
LIFE = [
    {"kind": "REGISTER", "reason": "TENNYU", "effective": "2020-04-01", "recorded": "2020-04-01T10:00:00+09:00",
     "after": ALIVE},
    {"kind": "END", "reason": "SHIBO", "effective": "2025-12-20", "recorded": "2026-01-15T10:00:00+09:00",
     "before": ALIVE, "after": {**DEAD, "name": {"full": "見本　花"}}},
    {"kind": "ANNUL", "reason": "TORIKESHI_ZO", "effective": "2025-12-20", "recorded": "2026-03-01T10:00:00+09:00",
     "supersedes": "2", "before": DEAD, "after": ALIVE},
]  # fmt: skip


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "annulled_death.jsonl"
    lines = ({"id": str(number), "key": "1", "version": number, **one} for number, one in enumerate(LIFE, 1))
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    return path


def fold(*words: str) -> tuple[int, dict]:
    done = CliRunner().invoke(assemble(), ["fold", *words, "--json"])
    return done.exit_code, json.loads(done.stdout)


@pytest.mark.parametrize(
    ("known", "status"), [("2026-01-01", "resident"), ("2026-02-01", "deceased"), ("2026-04-01", "resident")]
)
def test_an_annulled_death_was_believed_for_a_while(file, known, status):
    code, said = fold("--events", str(file), "--effective", "2026-01-01", "--known", known)

    assert (code, said["status"]) == (0, status)
    assert [one["reason"] for one in said["versions"]] == ["TENNYU", "SHIBO", "TORIKESHI_ZO"]  # all of it stays listed
    assert "image" not in said
    assert "見本" not in json.dumps(said, ensure_ascii=False)


def test_an_avro_container_file_is_read_as_well(file, tmp_path):
    texts = ("id", "key", "kind", "reason", "effective", "recorded")
    schema = {
        "type": "record", "name": "E",
        "fields": [{"name": name, "type": "string"} for name in texts]
        + [{"name": "version", "type": "long"}, {"name": "after", "type": {"type": "map", "values": "boolean"}}],
    }  # fmt: skip
    one = {"id": "1", "key": "1", "version": 1, **LIFE[0], "after": {"is_resident": True}}
    with (tmp_path / "life.avro").open("wb") as out:
        fastavro.writer(out, schema, [one])

    code, said = fold("--events", str(tmp_path / "life.avro"), "--effective", "2026-01-01")

    assert (code, said["status"]) == (0, "resident")


def test_values_are_shown_for_a_reason_only(file):
    refused, said = fold("--events", str(file), "--reveal")

    assert (refused, said["error"]["code"]) == (5, "REASON_REQUIRED")
    assert fold("--events", str(file), "--reveal", "--reason", "a test")[1]["image"]["name"]["full"] == "見本　花"


def test_what_is_no_event_is_told_by_its_number_and_without_its_content(tmp_path):
    path = tmp_path / "wrong.jsonl"
    path.write_text('{"id": "1", "kind": "AMEND", "key": "見本"}', encoding="utf-8")

    code, said = fold("--events", str(path))

    assert (code, said["error"]["code"], said["error"]["where"]) == (1, "EVENT", "wrong.jsonl, record 1")
    assert "見本" not in json.dumps(said, ensure_ascii=False)
