"""Does telemetry count and say what happened, and nothing about persons?"""

import json

import pytest

from bus import telemetry


@pytest.fixture(autouse=True)
def at_debug():
    telemetry.configure("debug")
    yield
    telemetry.configure("warning")


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def value(name, **labels):
    return telemetry.registry.get_sample_value(name, labels) or 0.0


def test_one_event_is_one_line_and_one_count(capsys):
    before = value("bus_connector_applied_events_total", connector="kokuho", outcome="applied")

    telemetry.batch_applied("kokuho", fresh=3, stale=1)

    (line,) = lines(capsys)
    assert (line["event"], line["connector"], line["applied"], line["duplicate"]) == ("batch_applied", "kokuho", 3, 1)
    assert value("bus_connector_applied_events_total", connector="kokuho", outcome="applied") == before + 3


@pytest.mark.parametrize(
    "text", ["山田 太郎", "123456789012345", "a\nb", "\x1b[31m", "kokuho'; DROP", "x" * 500, "", "a\x7fb"]
)
def test_what_is_no_id_or_code_or_place_is_neither_said_nor_counted(capsys, text):
    telemetry.person_parked(text, text, text)
    telemetry.record_rejected(f"{text}/0/1", text)
    telemetry.lease_claimed(text, 1)

    said = capsys.readouterr().err
    assert len(said.splitlines()) == 3
    assert not text or text not in said
    assert not text or text.encode() not in telemetry.exposition()


def test_control_characters_do_not_reach_a_terminal():
    rendered = telemetry._render(None, "", {"event": "a\n\x1b\x7f\x85\u202eb"})

    assert rendered.isprintable()
    assert rendered.isascii()


def test_a_crash_is_told_by_type_and_place_and_not_by_its_text(capsys):
    try:
        raise ValueError("山田 太郎")
    except ValueError as error:
        telemetry.crashed("projector", error)

    (line,) = lines(capsys)
    assert line["error"] == "ValueError"
    assert line["place"].split(":")[0].endswith("test_telemetry")
    assert "山田" not in json.dumps(line, ensure_ascii=False)


def test_an_outage_is_said_once_and_counted_each_time(capsys):
    for _ in range(3):
        telemetry.dependency_unavailable("somewhere", "AWAY")
    telemetry.dependency_back("somewhere")
    telemetry.dependency_back("somewhere")

    assert [line["event"] for line in lines(capsys)] == ["dependency_unavailable", "dependency_back"]
    assert value("bus_dependency_unavailable_total", component="somewhere", code="AWAY") == 3


def test_every_metric_has_the_prefix_and_a_unit():
    for family in telemetry.registry.collect():
        assert family.name.startswith("bus_")
        assert family.documentation.endswith(".")


def test_nothing_below_a_warning_is_said_unless_asked_for(capsys):
    telemetry.configure("warning")
    telemetry.projected("zei", "DATA", 3)
    telemetry.lease_claimed("projector", 3)

    assert capsys.readouterr().err == ""


def test_who_looked_at_contents_and_why_is_one_line_whatever_the_reason_says(capsys):
    telemetry.contents_shown("kokuho", 2, '問合せ\n{"event": "forged"}', "clerk")

    (line,) = lines(capsys)
    assert (line["event"], line["records"], line["who"]) == ("contents_shown", 2, "clerk")
    assert "問合せ" in line["reason"]
