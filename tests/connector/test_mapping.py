"""Do the five words mean the same said clearly and compiled? What becomes of corrections, doubts, failing rules?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from bus.change import Append, Keep
from bus.connector.manifest import Connector
from bus.dates import Uncertain
from bus.errors import Reject
from bus.event import BARE, DATA, KINDS, REMOVED, ChangeSet, Event
from bus.language.record import value_at
from tests.connector.project import Project

MANIFEST = """\
name_ja: 見本
keeps:
  residents:
    key: person
    only_if: is_here()
    columns:
      name: name.full
      born: birth.text
      latest: birth.latest
      sex: {code: sex, in: sexes}
      year: born_in()
      protected: event.protected
      source: {value: juki}
  copies: {key: person, columns: {name: name.full, district: address.town_code}}
  sheets: {key: person, rows: sheets()}
appends:
  moves:
    from: [TENNYU, TENKYO]
    only_if: is_here()
    columns:
      person: event.key
      reason: event.reason
      said: event.effective
      earliest: event.effective.earliest
      told: event.recorded
      set: event.change_set
      version: event.version
      year: born_in()
codes:
  sexes: {"1": 男, "2": 女, "!": 不, "?": 不}
"""
RULES = """\
from datetime import date
from typing import NamedTuple
from bus import Reject, certain

class Sheet(NamedTuple):
    number: int
    day: date

def is_here(person, on: date) -> bool:
    return person.is_resident and on >= date(1990, 1, 1)

def born_in(person) -> int:
    return certain(person.birth, lambda day: day.year)

def sheets(person, law, on: date) -> list[Sheet]:
    if person.sex == "!":
        return 1 / 0
    if person.sex == "?":
        raise Reject("the sex cannot be")
    return [Sheet(number, on) for number in range(law.sheet.count)] if person.name.full else []
"""
LAW = """\
sheet:
  count:
    - {from: 1900-01-01, until: 2019-12-31, value: 1, source: x}
    - {from: 2020-01-01, value: 2, source: x}
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Connector:
    return Project(tmp_path_factory.mktemp("toy")).write(connector=MANIFEST, rules=RULES, law=LAW).view()


def event(**said: Any) -> Event:
    image = {
        "is_resident": said.pop("is_resident", True),
        "name": {"full": said.pop("name", "A")},
        "birth": said.pop("birth", Uncertain.on(date(2018, 4, 1))),
        "sex": said.pop("sex", "1"),
        "address": {"town_code": said.pop("town_code", "1")},
        "move_out": {"planned_on": None},
    }
    usual = {
        "id": "e1", "kind": "REGISTER", "reason": "TENNYU", "key": "P1", "version": 1, "data": image,
        "effective": Uncertain.on(date(2025, 4, 28)), "recorded": datetime(2025, 5, 1, 3, tzinfo=UTC),
    }  # fmt: skip
    return Event(**(usual | said))


def flat(connector: Connector, one: Event, mode: str = DATA) -> tuple[Any, ...]:
    """As contract.decoder(connector.paths) gives it."""
    micros = (one.recorded - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    head = (one.id, one.key, one.version, micros, mode)
    if mode != DATA:
        return (*head, *(None,) * (6 + len(connector.paths)))
    body = (one.kind, one.reason, one.effective, one.supersedes, one.change_set, one.protected)
    return (*head, *body, *(value_at(one.data, path) for path in connector.paths))


def outcome(say: Any) -> Any:
    try:
        return say()
    except Reject as reject:
        return (reject.code, reject.message, reject.where)


days = st.dates(date(1900, 1, 1), date(2100, 1, 1))
dates = st.one_of(
    st.none(), days.map(Uncertain.on), st.builds(Uncertain, st.text(max_size=5), days, days), st.just(Uncertain("不詳"))
)
events = st.builds(
    event, is_resident=st.booleans(), name=st.none() | st.text(max_size=3), birth=dates,
    sex=st.sampled_from([None, "", "1", "02", "9", "!", "?"]), town_code=st.none() | st.text(max_size=3),
    kind=st.sampled_from(KINDS), reason=st.sampled_from(["TENNYU", "TENKYO", "SHIBO", "GOKI_SHUSEI"]),
    supersedes=st.none() | st.just("e0"), protected=st.booleans(), effective=dates.filter(bool),
    change_set=st.none() | st.just(ChangeSet("c", 2, 1)), version=st.integers(1, 9),
    recorded=st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(one=events)
def test_clear_and_compiled_say_the_same_of_any_image(toy, one):
    assert outcome(lambda: toy.plan(flat(toy, one))) == outcome(lambda: toy.project(one))


def test_a_person_who_moves_in_is_kept_and_the_move_is_told(toy):
    changes, reviews = toy.project(event())

    assert changes == [
        Keep("residents", "P1", (("P1", "A", "2018-04-01", date(2018, 4, 1), "男", 2018, False, "juki"),)),
        Keep("copies", "P1", (("P1", "A", "1"),)),
        Keep("sheets", "P1", (("P1", 0, date(2025, 5, 1)), ("P1", 1, date(2025, 5, 1)))),
        Append("moves", ("e1", "REGISTER", None, "P1", "TENNYU", "2025-04-28", date(2025, 4, 28),
                         datetime(2025, 5, 1, 3, tzinfo=UTC), None, 1, 2018)),
    ]  # fmt: skip
    assert reviews == []


def test_the_day_is_that_of_japan_and_the_law_that_of_the_day(toy):
    late = event(recorded=datetime(2019, 12, 31, 15, tzinfo=UTC))  # midnight in Japan
    early = event(recorded=datetime(2019, 12, 31, 14, 59, 59, tzinfo=UTC))

    assert [len(toy.project(one).changes[2].rows) for one in (early, late)] == [1, 2]


def test_a_bare_record_changes_nothing_and_a_removal_leaves_nothing_kept(toy):
    assert toy.plan(flat(toy, event(), BARE)) == ([], [])
    assert toy.plan(flat(toy, event(), REMOVED)).changes == toy.remove("P1")
    assert toy.remove("P1") == [Keep("residents", "P1"), Keep("copies", "P1"), Keep("sheets", "P1")]


def test_a_doubt_leaves_the_row_as_it_was_and_asks_once(toy):
    changes, reviews = toy.project(event(birth=Uncertain("平成30年頃", date(2018, 1, 1), date(2019, 12, 31))))

    assert [change.table for change in changes] == ["copies", "sheets"]
    assert reviews == ["born_in: the date leaves open 2018 to 2019"]


def test_a_correction_follows_the_row_of_what_it_corrects_whatever_its_reason(toy):
    one = event(id="e2", kind="CORRECT", reason="GOKI_SHUSEI", supersedes="e1", version=2)

    moves = toy.project(one).changes[-1]

    assert moves.follows == "e1"
    assert moves.row[:5] == ("e2", "CORRECT", "e1", "P1", "GOKI_SHUSEI")


def test_an_annulment_is_told_even_when_the_image_says_nothing_any_more(toy):
    one = event(
        id="e2", kind="ANNUL", reason="TORIKESHI_GEN", supersedes="e1", is_resident=False, birth=None, version=2
    )

    changes, reviews = toy.project(one)

    assert changes[0] == Keep("residents", "P1")
    assert (changes[-1].follows, changes[-1].row[-1]) == ("e1", None)
    assert reviews == []


def test_what_is_said_again_asks_for_nothing_anew(toy):
    assert not [change for change in toy.project(event(kind="RESYNC")).changes if isinstance(change, Append)]


def test_a_day_of_the_calendar_that_is_taken_back_follows_and_asks_for_nothing_anew(toy):
    said = event(kind="CLOCK", reason="TENKYO")
    taken_back = event(id="e2", kind="CLOCK", reason="TENKYO", supersedes="e1")

    for told in (toy.project, lambda one: toy.plan(flat(toy, one))):
        asked, back = (told(one).changes[-1] for one in (said, taken_back))

        assert (asked.follows, asked.row[:3]) == (None, ("e1", "CLOCK", None))
        assert (back.follows, back.row[:5]) == ("e1", ("e2", "CLOCK", "e1", "P1", "TENKYO"))


@pytest.mark.parametrize(
    ("sex", "code", "message"),
    [
        ("!", "RULE", "raised ZeroDivisionError"),
        ("?", "RULE", "the sex cannot be"),
        ("9", "CODE", "not in the list sexes"),
    ],
)
def test_a_failing_rule_parks_the_event_and_tells_no_value(toy, sex, code, message):
    with pytest.raises(Reject, match=message) as raised:
        toy.plan(flat(toy, event(sex=sex, name="山田")))

    assert raised.value.code == code
    assert "event e1" in str(raised.value.where)
    assert "山田" not in f"{raised.value.message}{raised.value.where}"


def test_a_record_shows_a_rule_only_what_is_granted(toy):
    record = toy._record([None] * 9)

    with pytest.raises(Reject, match="honseki is not granted"):
        _ = record.honseki
