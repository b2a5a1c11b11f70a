"""Are the code lists whole?"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from bus.contract.codes import load
from bus.errors import Misconfigured
from tests.contract.towns import SCHEMAS


@pytest.mark.parametrize("name", ["sex", "resident_type", "state", "era", "relation"])
def test_every_list_has_a_version_and_names_in_two_languages(name):
    codes = load(SCHEMAS, name)

    assert codes.version >= 1
    assert all(codes.name_of(code) and codes.name_of(code, "en") for code in codes.rows)


def test_eras_follow_one_another_to_the_day():
    eras = list(load(SCHEMAS, "era").rows.values())

    for old, new in pairwise(eras):
        days = date.fromisoformat(new["from"]) - date.fromisoformat(old["until"])
        assert days in (timedelta(0), timedelta(1))
    assert eras[-1]["until"] is None


@pytest.mark.parametrize(
    "text", ["codes: [{code: 1, name_ja: x}]", "codes: [{code: '1'}]", "codes: [{code: '1', name_ja: x}] {"]
)
def test_a_list_with_numbers_or_without_names_is_refused(tmp_path, text):
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes/x.yaml").write_text(f"version: 1\n{text}")

    with pytest.raises(Misconfigured):
        load(tmp_path, "x")
