"""Do numbers stay what they were, and are schemas that break something found?"""

from __future__ import annotations

import json
import shutil
import time
from copy import deepcopy

import pytest

from bus.contract import compose, grant, review
from bus.contract.compatible import breaks, difference
from bus.contract.lint import lint
from bus.contract.lock import Lock
from bus.contract.schema import LOCK, Contracts
from bus.errors import Misconfigured
from bus.topology.model import load
from tests.contract.towns import SCHEMAS, town

ROOT = SCHEMAS.parent
IMAGE = compose.read(SCHEMAS / "juki/resident.1.avsc")


@pytest.fixture
def schemas(tmp_path):
    """A copy to change; what the composer remembers of files is forgotten."""
    compose.read.cache_clear()
    folder = tmp_path / "schemas"
    shutil.copytree(SCHEMAS, folder)
    (folder / LOCK).unlink()
    shutil.rmtree(folder / "locked")
    yield folder
    compose.read.cache_clear()


def change(schemas, how):
    path = schemas / "juki/resident.1.avsc"
    image = json.loads(path.read_text())
    how(image["fields"])
    path.write_text(json.dumps(image, ensure_ascii=False))
    compose.read.cache_clear()


def test_the_lock_is_as_the_topology_asks():
    contracts = Contracts.provisional(SCHEMAS, load(ROOT / "topology.yaml"))

    assert review.check(contracts, SCHEMAS) == []


def test_our_schemas_pass_our_own_lint():
    assert review.lint_all(SCHEMAS) == []


def test_the_lock_only_grows_and_says_the_same_twice(schemas):
    first = review.lock(schemas, town(one=("birth",)))
    text = (schemas / LOCK).read_text()

    assert [entry.id for entry in first] == [1, 2]
    assert review.lock(schemas, town(one=("birth",))) == []
    assert (schemas / LOCK).read_text() == text
    [second] = review.lock(schemas, town(one=("birth", "sex")))
    assert (second.id, second.version) == (3, 2)
    assert (schemas / LOCK).read_text().startswith(text)


def test_a_grant_that_was_widened_leaves_records_of_the_narrower_one_readable(schemas):
    review.lock(schemas, town(one=("birth",)))
    old = Contracts(schemas, town(one=("birth",))).narrowed("one")
    review.lock(schemas, town(one=("birth", "sex")))

    now = Contracts(schemas, town(one=("birth", "sex")))

    assert now.narrowed("one").id == 3
    assert now.by_id(old.id).paths == ("birth",)
    assert now.by_id(old.id).fingerprint == old.fingerprint


def test_a_field_that_is_added_makes_a_new_version_beside_the_old(schemas):
    review.lock(schemas, town(one=("birth",)))
    change(
        schemas,
        lambda fields: fields.append({"name": "extra", "type": ["null", "string"], "default": None, "doc": "x"}),
    )

    with pytest.raises(Misconfigured, match="no number yet") as caught:
        Contracts(schemas, town(one=("birth",))).canonical()
    assert "bus contract lock" in caught.value.hint
    [new] = review.lock(schemas, town(one=("birth",)))

    contracts = Contracts(schemas, town(one=("birth",)))
    assert (new.subject, new.version, new.image) == ("juki.resident.v1-value", 2, "juki/resident.1@2")
    assert "extra" in contracts.canonical().paths
    assert "extra" not in contracts.by_id(1).paths
    assert review.check(contracts, schemas) == []


def test_a_field_that_goes_or_turns_into_something_else_breaks_readers(schemas):
    review.lock(schemas, town(one=("birth",)))
    change(schemas, lambda fields: fields.__setitem__(0, {"name": "is_resident", "type": "string", "doc": "x"}))

    found = review.check(Contracts.provisional(schemas, town(one=("birth",))), schemas)

    assert {one.subject for one in found} == {"juki.resident.v1-value"}
    assert any("is_resident" in one.where or "string" in one.what for one in found)


def test_a_locked_state_that_was_changed_is_no_start(schemas):
    review.lock(schemas, town())
    kept = schemas / "locked/juki/resident.1@1.avsc"
    kept.write_text(kept.read_text().replace('"is_resident"', '"was_resident"'))
    compose.read.cache_clear()

    with pytest.raises(Misconfigured) as caught:
        Contracts(schemas, town()).by_id(1)

    assert caught.value.code == "SCHEMA_CHANGED"


def test_a_lock_that_lost_a_line_is_refused(schemas):
    review.lock(schemas, town(one=("birth",)))
    lines = (schemas / LOCK).read_text().splitlines(keepends=True)
    (schemas / LOCK).write_text("".join(lines[:3] + lines[4:]))

    with pytest.raises(Misconfigured, match="ids are not"):
        Lock.read(schemas / LOCK)


def field(**more):
    return {"name": "x", "doc": "x", **more}


BAD = {
    "RECURSIVE": field(type=["null", "Resident"], default=None),
    "ZERO_SIZE": field(type={"type": "array", "items": "null"}),
    "ZERO_SIZE ": field(type={"type": "array", "items": {"type": "record", "name": "Nothing", "fields": []}}),
    "ZERO_SIZE  ": field(type={"type": "map", "values": {"type": "fixed", "name": "None0", "size": 0}}),
    "DATE": field(type={"type": "int", "logicalType": "date"}),
    "DATE ": field(type=["null", {"type": "int", "logicalType": "date"}], default=None),
    "DOC": {"name": "x", "type": "string"},
    "DEFAULT": field(type=["null", "string"]),
    "UNKNOWN": field(type="Nobody"),
    "TWICE": field(type={"type": "record", "name": "Name", "fields": [field(type="string")]}),
    "NAME": {"name": "氏名", "type": "string", "doc": "x"},
    "PERSONAL_NUMBER": {"name": "my_number", "type": "string", "doc": "x"},
}


@pytest.mark.parametrize("code", BAD)
def test_lint_refuses_what_hangs_readers_or_hides_meaning(code):
    image = deepcopy(IMAGE)
    image["fields"].append(BAD[code])

    found = lint(image, known=frozenset({"Uncertain"}))

    assert any(line.split()[1] == code.strip() for line in found), found


def test_twenty_thousand_levels_of_nesting_do_not_kill_the_lint():
    deep = {"type": "record", "name": "R", "doc": "x", "fields": [field(type=["null", "R"], default=None)]}

    assert any("RECURSIVE" in line for line in lint(deep))
    assert "names itself" in (review.fits(deep) or "")


def test_compatibility_is_judged_by_apaches_checker():
    contracts = Contracts.provisional(SCHEMAS, town(one=("birth",), two=("birth", "sex")))
    one, two = contracts.narrowed("one"), contracts.narrowed("two")
    other = deepcopy(two.schema)
    other["fields"][3]["type"] = "long"

    assert breaks("s", ("two", two.schema), ("one", one.schema)) == []
    assert breaks("s", ("one", one.schema), ("other", other))
    assert difference(one.image, two.image) == [("sex", "added")]


def test_a_group_that_is_granted_anew_is_blank_in_records_of_before():
    contracts = Contracts.provisional(SCHEMAS, town(one=("birth",), two=("birth", "foreign.expires_on")))
    one, two = contracts.narrowed("one"), contracts.narrowed("two")

    assert breaks("s", ("two", two.schema), ("one", one.schema)) == []
    assert breaks("s", ("one", one.schema), ("two", two.schema)) == []


def test_a_grant_names_leaves_or_whole_records_and_nothing_unknown():
    assert grant.granted(IMAGE, ["birth", "entry"]) == ("birth", "entry.date", "entry.reason_code")
    assert "move_out.planned_lot" in grant.protected_paths(IMAGE)
    assert "name.full" not in grant.protected_paths(IMAGE)
    with pytest.raises(Misconfigured, match="no field nobody"):
        grant.granted(IMAGE, ["birth", "nobody"])
    with pytest.raises(Misconfigured):
        grant.granted(IMAGE, [])


def test_every_plan_of_the_town_is_made_quickly():
    contracts = Contracts.provisional(SCHEMAS, load(ROOT / "topology.yaml"))
    began = time.process_time()

    for name, stanza in contracts.topology.subscriptions.items():
        for entity in stanza.reads:
            contract = contracts.narrowed(name, entity)
            assert contract.decoder(contract.paths)
    assert contracts.canonical().decode

    assert time.process_time() - began < 5
