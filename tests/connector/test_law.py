"""Is the law what it was on the day?"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bus.errors import Misconfigured, Reject
from bus.reading.law import load

ROOT = Path(__file__).resolve().parents[2]

LAW = """\
school:
  entry_age:
    - {from: 1947-04-01, until: 1999-12-31, value: 6, source: 学校教育法 17条}
    - {from: 2000-01-01, value: 7, source: invented}
"""


WRONG = """\
a:
  b:
    - {value: 6, source: x}
    - {from: 2000-01-01, value: 1}
    - {from: 2000-01-01, value: 1, source: x}
    - {from: 2001-01-01, value: 2, source: x}
  c: 5
"""


@pytest.fixture
def law(tmp_path):
    path = tmp_path / "law.yaml"
    path.write_text(LAW, encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    ("day", "value"), [(date(1947, 4, 1), 6), (date(1999, 12, 31), 6), (date(2000, 1, 1), 7), (date(2999, 1, 1), 7)]
)
def test_a_value_holds_from_its_first_to_its_last_day(law, day, value):
    assert law.on(day).school.entry_age == value


def test_a_day_without_a_value_is_a_clear_refusal(law):
    with pytest.raises(Reject, match=r"law\.school\.entry_age has no value on 1947-03-31") as raised:
        _ = law.on(date(1947, 3, 31)).school.entry_age

    assert raised.value.code == "LAW"


def test_an_unknown_parameter_is_a_clear_refusal(law):
    with pytest.raises(Reject, match=r"law\.school\.leaving_age is not a parameter"):
        _ = law.on(date(2025, 1, 1)).school.leaving_age


def test_every_mistake_is_told_at_once(tmp_path):
    path = tmp_path / "law.yaml"
    path.write_text(WRONG, encoding="utf-8")

    with pytest.raises(Misconfigured) as raised:
        load(path)

    told = raised.value.message.splitlines()
    assert [one.split(": ", 1)[0].rsplit(":", 1)[1] for one in told] == ["3", "4", "6", "7"]
    assert "needs from" in told[0]
    assert "its source" in told[1]
    assert "two values on one day" in told[2]


def test_the_projects_own_law_names_a_source_for_every_value():
    law = load(ROOT / "connectors" / "law.yaml")

    assert all(dated.source for values in law.parameters.values() for dated in values)
    assert law.on(date(2024, 9, 30)).jido_teate.last_age == 15
    assert law.on(date(2024, 10, 1)).jido_teate.last_age == 18
