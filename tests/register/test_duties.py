"""Does each duty of the calendar fall on its day? The cases are in calendar.yaml, for people who know the law."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from ruamel.yaml import YAML

from bus.clock.duties import Calendar, Due, Duty, load, transits
from bus.clock.life import Life, Stay, Version, life, stays
from bus.dates import JAPAN, Uncertain, attains
from bus.errors import Misconfigured
from bus.reading.law import Dated, Law, load as load_law
from tests.register.ledger import ADDRESS, HEAD, ROOT, SCHEMAS, Ledger, newcomer

CASES = YAML(typ="safe").load(Path(__file__).with_name("calendar.yaml"))
CALENDAR = load(SCHEMAS, load_law(ROOT / "connectors" / "law.yaml"))
ALWAYS = (Stay(date(1900, 1, 1), None, date(1900, 1, 1)),)
BEFORE = date(1900, 1, 1)
ONE_DAY = timedelta(days=1)


def lived(born=None, stays=ALWAYS, **more) -> Life:
    return Life(stays, Uncertain.on(born) if isinstance(born, date) else born, **more)


def days_of(duty: str, of: Life, after=BEFORE, upto=date.max, calendar=CALENDAR) -> list[date]:
    return [one.day for one in calendar.between(calendar.by_reason[duty], of, after, upto) if one.why is None]


@pytest.mark.parametrize("case", CASES["births"], ids=lambda case: f"{case['duty']} of {case['born']}")
def test_a_birth_leads_to_a_duty_on_its_day_and_no_other(case):
    assert days_of(case["duty"], lived(case["born"])) == [case["day"]]


@pytest.mark.parametrize("case", CASES["others"], ids=lambda case: f"{case['duty']} {case['day']}")
def test_a_stay_of_a_foreigner_ends_on_its_day(case):
    permit, transit = case.get("permit_until"), case.get("in_transit_since")
    one = lived(
        foreign=True,
        in_transit=transit is not None,
        permit_until=permit and Uncertain.on(permit),
        foreign_since=transit and Uncertain.on(transit),
    )

    assert days_of(case["duty"], one) == [case["day"]]
    assert days_of(case["duty"], one._replace(foreign=False, in_transit=False)) == []


@pytest.mark.parametrize("duty", CASES["every_year"])
def test_a_day_of_every_year_comes_for_whoever_lives_here(duty):
    year = (date(2026, 4, 1), date(2027, 4, 1))
    gone = (Stay(date(2020, 1, 1), date(2026, 9, 30), date(2020, 1, 1)),)

    assert days_of(duty, lived(date(1990, 1, 1)), *year) == CASES["every_year"][duty]
    assert days_of(duty, lived(None), *year) == CASES["every_year"][duty]  # no birth is needed
    assert days_of(duty, lived(date(1990, 1, 1), gone), *year) == []


@pytest.mark.parametrize("case", CASES["pensions"], ids=lambda case: f"born {case['born']}")
def test_a_pension_is_paid_in_even_months_from_65(case):
    assert days_of("NENKIN_TSUKI", lived(case["born"]), date(2026, 4, 1), date(2027, 3, 31)) == case["days"]


def test_every_duty_of_the_list_has_a_case():
    named = {case["duty"] for case in CASES["births"] + CASES["others"]} | set(CASES["every_year"]) | {"NENKIN_TSUKI"}

    assert named == set(CALENDAR.by_reason)


@given(
    st.dates(date(1930, 1, 1), date(2020, 1, 1)), st.sampled_from(["NENREI_20", "NENREI_40", "NENREI_60", "NENREI_65"])
)
def test_the_day_an_age_is_attained_is_the_eve_of_the_birthday(born, duty):
    age = int(duty[-2:])
    found = days_of(duty, lived(born))

    assert found in ([], [attains(born, age)])  # none where there was no law yet
    assert all(born.replace(year=born.year + age, day=min(born.day, 28)) - ONE_DAY <= day for day in found)


@given(st.dates(date(2000, 1, 1), date(2025, 1, 1)))
def test_school_begins_on_the_morning_after_the_last_day_before_it(born):
    (eve,), (entry,) = days_of("NENDOMATSU_6", lived(born)), days_of("SHUGAKU", lived(born))

    assert entry == eve + ONE_DAY


class TestUncertainBirths:
    def test_a_birth_that_leaves_the_day_open_is_for_a_person_to_look_at(self):
        about = Uncertain("昭和35年頃", date(1960, 1, 1), date(1960, 12, 31))

        found = list(CALENDAR.between(CALENDAR.by_reason["NENREI_65"], lived(about), BEFORE, date.max))

        assert found == [Due("NENREI_65", date(2024, 12, 31), "DATE_STRADDLES")]

    def test_a_birth_of_which_nothing_is_known_is_so_at_once(self):
        unknown = Uncertain("年月日不詳")

        found = list(CALENDAR.between(CALENDAR.by_reason["NENREI_65"], lived(unknown), date(2026, 4, 1), date.max))

        assert found == [Due("NENREI_65", date(2026, 4, 2), "DATE_UNKNOWN")]

    def test_where_both_ends_agree_the_day_is_certain(self):
        in_may = Uncertain("令和2年5月 日不詳", date(2020, 5, 1), date(2020, 5, 31))

        assert days_of("SHUGAKU", lived(in_may)) == [date(2027, 4, 1)]
        assert days_of("NENKIN_TSUKI", lived(in_may), date(2026, 1, 1), date(2026, 12, 31)) == []

    def test_a_day_that_is_over_however_the_birth_is_read_asks_for_nothing(self):
        about = Uncertain("昭和10年頃", date(1935, 1, 1), date(1935, 12, 31))
        arrived = (Stay(date(2026, 4, 1), None, date(2026, 4, 1)),)

        assert [one.duty for one in CALENDAR.after(lived(about, arrived), date(2026, 4, 1)) if one.why] == []


class TestWhoLivesHere:
    def test_what_is_attained_once_is_not_said_of_who_arrives_later(self):
        arrived = (Stay(date(2025, 9, 1), None, date(2025, 10, 9)),)

        assert days_of("NENREI_65", lived(date(1960, 10, 10), arrived)) == []
        assert days_of("NENREI_65", lived(date(1960, 10, 11), arrived)) == [date(2025, 10, 10)]

    def test_who_lived_here_on_a_tax_day_is_asked_however_late_it_is_heard(self):
        late = (Stay(date(2025, 12, 28), None, date(2026, 1, 10)),)

        assert list(CALENDAR.until(lived(date(1990, 1, 1), late), date(2025, 12, 1), date(2026, 1, 9))) == [
            Due("GANJITSU", date(2026, 1, 1))
        ]
        assert not list(CALENDAR.until(lived(date(1990, 1, 1), late), date(2026, 1, 1), date(2026, 1, 9)))

    def test_the_day_of_leaving_no_longer_counts_and_the_eve_does(self):
        for until, holds in ((date(2026, 1, 1), False), (date(2026, 1, 2), True)):
            one = lived(date(1990, 1, 1), (Stay(date(2020, 1, 1), until, date(2020, 1, 1)),))

            assert CALENDAR.holds(CALENDAR.by_reason["GANJITSU"], one, date(2026, 1, 1)) is holds


class TestTheLawOfItsDay:
    LAW = Law({"a.b": (Dated(date(2000, 4, 1), date(2024, 9, 30), 15, "x"), Dated(date(2024, 10, 1), None, 18, "y"))})
    OF_AGE = Calendar((Duty("N", "fiscal_year_end", "residents", "a.b"),), LAW)

    def test_a_rule_uses_the_law_of_the_day_it_leads_to(self):
        cases = {date(2008, 5, 1): [date(2024, 3, 31), date(2027, 3, 31)], date(2009, 5, 1): [date(2028, 3, 31)]}

        for born, days in cases.items():
            assert days_of("N", lived(born), calendar=self.OF_AGE) == days

    def test_a_list_that_names_no_rule_or_no_law_is_a_mistake(self, tmp_path):
        (tmp_path / "codes").mkdir()
        lines = ("{reason: A, rule: guess, who: residents}", "{reason: B, rule: attains, law: x.y, who: all}")
        (tmp_path / "codes" / "duty.yaml").write_text("".join(f"- {line}\n" for line in lines), encoding="utf-8")

        with pytest.raises(Misconfigured) as caught:
            load(tmp_path, self.LAW)

        assert all(part in str(caught.value) for part in ("guess", "law.x.y", "who is one of"))


class TestStays:
    """Where somebody lived, from what the register said, corrections and annulments included."""

    def told(self, ledger: Ledger, *keys: str, kind: str | None = None) -> tuple[Stay, ...]:
        return stays(self.versions(ledger, *keys))

    def versions(self, ledger: Ledger, key: str) -> list[Version]:
        return [Version(past.kind, past.reason, ledger.now, past.effective, past.after) for past in ledger.pasts[key]]

    @pytest.fixture
    def town(self):
        ledger = Ledger()
        people = [newcomer("甲野　一", **{k.replace(".", "__"): v for k, v in HEAD.items()})]
        (event,) = ledger.enter("TENNYU", "2026-03-20", people, household="new")
        return ledger, event

    def test_an_arrival_begins_a_stay_on_its_own_day(self, town):
        ledger, event = town

        assert self.told(ledger, event.key) == (Stay(date(2026, 3, 20), None, date(2026, 4, 1)),)

    def test_a_departure_ends_it_and_a_withdrawn_one_does_not(self, town):
        ledger, event = town
        (gone,) = ledger.enter("SHIBO", "2026-03-28", [event.key])
        assert self.told(ledger, event.key)[0].until == date(2026, 3, 28)

        ledger.enter("TORIKESHI_ZO", "2026-04-01", [event.key], supersedes=gone.id)

        assert self.told(ledger, event.key) == (Stay(date(2026, 3, 20), None, date(2026, 4, 1)),)

    def test_an_annulled_arrival_never_began_one(self, town):
        ledger, event = town

        ledger.enter("TORIKESHI_GEN", "2026-04-01", [event.key], supersedes=event.id)

        assert self.told(ledger, event.key) == ()

    def test_who_comes_back_has_two_stays(self, town):
        ledger, event = town
        ledger.enter("TENSHUTSU", "2026-03-25", [event.key])
        ledger.enter("TENNYU", "2026-03-30", [{"key": event.key, "set": HEAD | ADDRESS}], household="new")

        found = self.told(ledger, event.key)

        assert [(stay.since, stay.until) for stay in found] == [
            (date(2026, 3, 20), date(2026, 3, 25)),
            (date(2026, 3, 30), None),
        ]

    def test_who_was_found_is_counted_from_the_next_day_on(self, town):
        ledger, event = town
        image = dict(ledger.pasts[event.key][0].after)
        found = Version("REGISTER", "IKO", datetime(2026, 4, 5, 18, tzinfo=JAPAN), Uncertain("2026-04-05"), image)

        corrected = replace_image(found, resident_since=Uncertain("2001-01-01"))

        assert stays([found]) == stays([found, corrected])
        assert stays([found])[0].since == date(2026, 4, 6)

    def test_an_uncertain_death_ends_a_stay_no_later_than_it_was_heard(self, town):
        ledger, event = town
        unsure = {"text": "令和8年頃", "earliest": "2026-01-01", "latest": "2026-12-31"}
        ledger.enter("SHIBO", unsure, [event.key])

        assert self.told(ledger, event.key)[0].until == date(2026, 4, 1)

    def test_who_was_found_to_be_somebody_else_is_that_person_from_then_on(self, town):
        ledger, event = town
        (first,) = self.versions(ledger, event.key)
        merged = replace_image(first, kind="IDENTITY", **{"identity.merged_into": "1"})

        (stay,) = stays([first, merged])

        assert stay.until is not None
        assert life([first], transits(SCHEMAS)).stays[0].until is None


def replace_image(version: Version, kind: str | None = None, **cells: Any) -> Version:
    return version._replace(kind=kind or "AMEND", reason="GOKI_SHUSEI", image={**version.image, **cells})
