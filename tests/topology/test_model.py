"""Does topology.yaml say exactly what it seems to say, and are all its mistakes told at once?"""

from __future__ import annotations

from pathlib import Path

import pytest

from bus.errors import Misconfigured, Usage
from bus.topology.model import check_digit, load, town_warning

GOOD = """\
town: "131016"
topics:
  juki.resident:
    schema: juki/resident.1
    partitions: 4
    retention_days: 35
    holds: residents
subscriptions:
  jido_teate:
    purpose: child-allowance
    statute: 児童手当法
    concerns: may_be_child()
    sees_protected: 児童手当法 第28条
    reads:
      juki.resident: [name.full, birth]
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "topology.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def mistakes(path: Path, town: str | None = None) -> list[str]:
    with pytest.raises(Misconfigured) as wrong:
        load(path, town)
    return wrong.value.message.splitlines()


def test_names_follow_from_ids(written) -> None:
    topology = load(written(GOOD))

    assert topology.canonical("juki.resident") == "131016.juki.resident.v1"
    assert topology.narrowed("jido_teate", "juki.resident") == "131016.jido-teate.in.juki.resident.v1"
    subscription = topology.subscriptions["jido_teate"]
    assert (subscription.group, subscription.database) == ("jido-teate", "jido_teate")
    assert subscription.reads == {"juki.resident": ("name.full", "birth")}
    assert (subscription.concerns, subscription.sees_protected) == (
        {"juki.resident": "may_be_child()"},
        "児童手当法 第28条",
    )
    assert topology.warnings == ()


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('"131016"', "131016", ":1: town must be text (quote it)"),
        ('"131016"', "013100", ":1: 013100 could be read as something else than text; quote it"),
        ('"131016"', '"131015"', ":1: town: 131015 is no 団体コード: its check digit would be 6"),
        ('"131016"', '"1310"', ":1: town: a 団体コード has 6 digits, not '1310'"),
        ("partitions: 4", "partitions: 0", ":5: topics.juki.resident.partitions must be a number from 1 to 256"),
        ("partitions: 4", "partitions: 4.0", ":5: 4.0 could be read as something else than text; quote it"),
        ("partitions: 4", "partition: 4", ":5: topics.juki.resident: unknown key partition"),
        ("partitions: 4", "partitions: 4\n    partitions: 5", ":6: partitions is said twice"),
        ("holds: residents", "holds: ''", ":7: topics.juki.resident.holds is empty"),
        ("juki/resident.1", "juki/household.1", ":4: topics.juki.resident.schema must be juki/resident.<major>"),
        ("  jido_teate:", "  jido-teate:", ":10: subscriptions.jido-teate: an id is of a-z, 0-9 and _"),
        ("  jido_teate:", "  relay:", ":10: subscriptions.relay: this name belongs to the bus itself"),
        ("    purpose: child-allowance\n", "", ":10: subscriptions.jido_teate: purpose is missing"),
        ("    statute: 児童手当法\n", "", ":10: subscriptions.jido_teate: statute is missing"),
        ("statute: 児童手当法", "statute: yes", None),
        ("statute: 児童手当法", "statute: true", ":11: true could be read as something else than text; quote it"),
        ("may_be_child()", "may_be_child", ":12: subscriptions.jido_teate.concerns must be a rule's call"),
        (
            "juki.resident: [",
            "juki.household: [",
            ":15: subscriptions.jido_teate.reads: there is no topic juki.household",
        ),
        (
            "[name.full, birth]",
            "[name.*]",
            ":15: subscriptions.jido_teate.reads.juki.resident: name.* is no dotted path",
        ),
        (
            "[name.full, birth]",
            "[birth, birth]",
            ":15: subscriptions.jido_teate.reads.juki.resident: birth is said twice",
        ),
        ("[name.full, birth]", "[]", ":15: subscriptions.jido_teate.reads.juki.resident must be a list of fields"),
        ("[name.full, birth]", "&all [birth]", None),
        ("[name.full, birth]", "[name.full", ":16: no YAML"),
    ],
)
def test_each_mistake_is_told_with_its_line(written, was: str, becomes: str, told: str | None) -> None:
    path = written(GOOD.replace(was, becomes, 1))

    if told is None:
        load(path)
    else:
        found = mistakes(path)
        assert any(line.startswith(f"topology.yaml{told}") for line in found), found


def test_an_alias_and_a_merge_are_refused(written) -> None:
    found = mistakes(written(GOOD.replace("holds: residents", "holds: &x residents").replace("child-allowance", "*x")))

    assert found == ["topology.yaml:10: an alias (*) hides who is granted what; write it out"]


def test_all_mistakes_are_told_at_once_in_the_order_of_lines(written) -> None:
    text = GOOD.replace("partitions: 4", "partitions: many").replace("may_be_child()", "x").replace("birth]", "BIRTH]")

    found = [line.split(":")[1] for line in mistakes(written(text))]

    assert found == ["5", "12", "15"]


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        load(tmp_path / "nothing.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"town: \xff")
    with pytest.raises(Misconfigured, match="UTF-8"):
        load(tmp_path / "bad.yaml")
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(Misconfigured, match="town is missing"):
        load(tmp_path / "empty.yaml")


@pytest.mark.parametrize("code", ["011002", "131016", "271004", "401307"])
def test_real_codes_have_their_check_digit(code: str) -> None:
    assert check_digit(code[:5]) == code[5]
    assert town_warning(code) is None


def test_a_sample_warns_and_a_wrong_digit_is_refused(written) -> None:
    assert "sample" in (town_warning("999999") or "")
    with pytest.raises(Usage):
        town_warning("131017")
    with pytest.raises(Usage):
        town_warning("１３１０１６")
    assert load(written(GOOD), town="999999").town == "999999"
    assert load(written(GOOD), town="999999").warnings
