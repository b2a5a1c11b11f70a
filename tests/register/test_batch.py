"""Does a list of changes reach everybody it may, leave out who changed since, and never hold anybody up?"""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from bus.cli import assemble
from bus.errors import Reject
from bus.movement.batch import announce
from tests.register.ledger import HEAD, REASONS, SHAPE, Ledger, newcomer

DAY = "2026-04-01"
HEADER = "key,version,address.town,address.lot"


class Hall:
    """The ledger, as a batch sees a register."""

    shape, reasons, town = SHAPE, REASONS, "999999"

    def __init__(self):
        self.ledger = Ledger()
        self.keys = [self.ledger.family(HEAD)[0] for _ in range(4)]

    def enter(self, request):
        return self.ledger.enter(**request)

    def persons(self, keys):
        return {key: self.ledger.people[key] for key in keys if key in self.ledger.people}

    def entered(self, change_sets):
        return {past.change_set for pasts in self.ledger.pasts.values() for past in pasts} & set(change_sets)

    def town_of(self, key):
        return self.ledger.image(key)["address.town"]


@pytest.fixture
def hall():
    return Hall()


@pytest.fixture
def listed(tmp_path):
    def write(*rows, header=HEADER):
        path = tmp_path / "list.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write


def rows(keys, town="新北"):
    return [f"{key},1,{town},{number}番" for number, key in enumerate(keys, 1)]


def run(hall, path, reason="JUSHO_IKKATSU", **more):
    return announce(hall, path, reason, DAY, **more)


def test_every_row_is_an_act_of_its_own(hall, listed):
    report = run(hall, listed(*rows(hall.keys)))

    assert (report.announced, report.entered, report.excluded) == (4, 4, [])
    assert [hall.town_of(key) for key in hall.keys] == ["新北"] * 4
    acts = {hall.ledger.pasts[key][-1].change_set for key in hall.keys}
    assert len(acts) == 4
    assert hall.ledger.image(hall.keys[0])["address.since"].text == DAY  # of the residence: nobody moved


def test_a_trial_counts_and_changes_nothing(hall, listed):
    hall.ledger.enter("SHIBO", DAY, [hall.keys[1]])

    report = run(hall, listed(*rows(hall.keys)), dry_run=True)

    assert (report.announced, report.entered) == (4, 0)
    assert report.excluded == [(3, "CHANGED_SINCE")]
    assert hall.town_of(hall.keys[0]) == "北一丁目"


@pytest.mark.parametrize("dry_run", [True, False])
def test_rows_that_cannot_be_are_left_out_by_line_and_code(hall, listed, dry_run):
    (key, other, moved, _), names = hall.keys, "新北,１番"
    hall.ledger.enter("TENKYO", DAY, [{"key": moved, "set": {"address.lot": "９"}}])
    path = listed(
        f"{key},1,{names}",
        f"{key},1,{names}",
        f"{moved},1,{names}",
        f"000000000000000,1,{names}",
        f"{other},one,{names}",
        f"{other}x,1,123456789018,１番",
    )

    report = run(hall, path, dry_run=dry_run)

    assert report.excluded == [
        (3, "DUPLICATE_KEY"),
        (4, "CHANGED_SINCE"),
        (5, "UNKNOWN_PERSON"),
        (6, "VERSION"),
        (7, "KOJIN_BANGO"),
    ]
    assert not any(cell in json.dumps(report.as_dict()) for cell in (key, other, moved, "新北", "1234"))


def test_the_same_list_goes_on_where_it_stopped(hall, listed):
    path = listed(*rows(hall.keys))

    class Stop(BaseException):
        pass

    def stop(line):
        if line == 3:
            raise Stop

    with pytest.raises(Stop):
        run(hall, path, say=stop)
    again, once_more = run(hall, path), run(hall, path)

    assert (again.entered, again.already, again.excluded) == (2, 2, [])
    assert (once_more.entered, once_more.already, once_more.batch) == (0, 4, again.batch)
    assert [hall.ledger.people[key].version for key in hall.keys] == [2, 2, 2, 2]


def test_a_death_that_is_reported_meanwhile_leaves_its_row_out(hall, listed):
    last = hall.keys[-1]

    def meanwhile(line):
        if line == 2:
            hall.ledger.enter("SHIBO", DAY, [last])

    report = run(hall, listed(*rows(hall.keys)), say=meanwhile)

    assert report.excluded == [(5, "CHANGED_SINCE")]
    assert (hall.town_of(last), hall.ledger.image(last)["state"]) == ("北一丁目", "3")


def test_one_row_can_be_annulled_and_the_others_stay(hall, listed):
    run(hall, listed(*rows(hall.keys)))

    hall.ledger.enter("TORIKESHI_SHUSEI", None, supersedes=hall.ledger.pasts[hall.keys[0]][-1].id)

    assert [hall.town_of(key) for key in hall.keys] == ["北一丁目", "新北", "新北", "新北"]


def test_readings_come_in_by_list_as_well(hall, listed):
    path = listed(f"{hall.keys[0]},1,コウノ　レイコ,1", header="key,version,name.kana,name.kana_confirmed")

    report = run(hall, path, "FURIGANA_KISAI")

    assert report.entered == 1
    assert hall.ledger.image(hall.keys[0])["name.kana"] == "コウノ　レイコ"


@pytest.mark.parametrize(
    ("header", "code"),
    [("version,key,address.town", "HEADER"), ("key,version", "HEADER"), ("key,version,x.y", "HEADER")],
)
def test_a_file_that_is_no_such_list_enters_nothing(hall, listed, header, code):
    with pytest.raises(Reject) as caught:
        run(hall, listed(header=header))

    assert caught.value.code == code


def test_a_batch_is_not_for_every_reason(hall, listed):
    with pytest.raises(Reject) as caught:
        run(hall, listed(*rows(hall.keys)), "SHIBO")

    assert caught.value.code == "REASON"


@pytest.mark.stack
def test_a_batch_holds_nobody_up_in_the_database_and_can_be_run_again(register, listed, monkeypatch):
    """Somebody in the middle of the list dies while it runs: a lock that was held would never let this end."""
    persons = [newcomer(**{path.replace(".", "__"): cell for path, cell in HEAD.items()}) for _ in range(12)]
    keys = [register.entry.enter({"reason": "TENNYU", "effective": DAY, "persons": [one]})[0].key for one in persons]
    path = listed(*rows(keys))

    def meanwhile(line):
        if line == 5:
            register.entry.enter({"reason": "SHIBO", "effective": DAY, "persons": [keys[8]]})

    first = announce(register.entry, path, "JUSHO_IKKATSU", DAY, rate=200, say=meanwhile)
    monkeypatch.setenv("BUS_REGISTER_DSN", register.dsn)
    words = ["batch", "announce", str(path), "--reason", "JUSHO_IKKATSU", "--effective", DAY, "--json"]
    again = CliRunner().invoke(assemble(), words, catch_exceptions=False)

    assert (first.entered, first.excluded) == (11, [(10, "CHANGED_SINCE")])
    assert (again.exit_code, json.loads(again.stdout)["entered"], json.loads(again.stdout)["already"]) == (1, 0, 11)
    trial = CliRunner().invoke(assemble(), [*words, "--dry-run"], catch_exceptions=False)
    assert json.loads(trial.stdout)["excluded"] == [{"line": 10, "code": "CHANGED_SINCE"}]
