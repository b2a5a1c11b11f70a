"""What do the four insurances answer, and what do they say by themselves?"""

from __future__ import annotations

from datetime import date

import pytest

from bus.dates import Uncertain
from bus.kit.desk.desk import Look
from bus.kit.desk.insurance.premiums import insured_months
from bus.kit.desk.rounds import month, pay_day
from tests.kit.window import MONDAY, Window

HEAD = {
    "person": "1", "household": "H", "is_head": True, "is_insured": True, "is_nominal_head": False,
    "born": "1955-05-05", "leaves_at_75_on": "2030-05-05", "resident_since": "2001-04-01",
}  # fmt: skip
CHILD = HEAD | {"person": "2", "is_head": False, "born": "2000-01-01", "leaves_at_75_on": "2075-01-01"}
OLD = {"person": "1", "is_by_age": True, "insured_since": "2019-08-01", "turns_75_on": "2019-08-01", "leaves_on": None}
CARED = {"person": "1", "born": "1940-01-01", "insured_since": "2005-01-01", "leaves_on": None}
GROWN = {"person": "1", "born": "1990-01-01", "turns_60_on": "2049-12-31", "resident_since": "2012-04-01"}


def day(text: str) -> Uncertain:
    return Uncertain.parse(text)


def kokuho(**tables):
    return Window("kokuho", household_members=[HEAD, CHILD], **tables)


def test_whom_no_employer_insures_is_insured_by_the_town():
    found = [Window("kokuho", household_members=[HEAD | {"household": str(number)}]) for number in range(40)]

    answers = [one.asked("enrolment_requests", person="1", acquired_on=MONDAY, reason="TENNYU") for one in found]

    joined = [one for one, answer in zip(found, answers, strict=True) if answer.confirm]
    assert 5 < len(joined) < 25
    assert {one.now("qualification", "1")["since"] for one in joined} == {day("2026-04-06")}
    assert {answer.note for answer in answers if not answer.confirm} == {"insured by an employer"}


@pytest.mark.parametrize(
    ("department", "table", "row"),
    [
        ("kokuho", "enrolment_requests", {"acquired_on": MONDAY}),
        ("kokuho", "assistance_gains", {"ended_on": "2026-04-01"}),
        ("kouki", "age_gains", {"acquired_on": MONDAY}),
        ("kouki", "disability_requests", {"since": "2026-04-01"}),
        ("kaigo", "gain_requests", {"acquired_on": MONDAY}),
        ("nenkin", "age_gains", {"acquired_on": MONDAY}),
        ("nenkin", "exemption_requests", {"reason": "KETTEI", "since": "2026-04-01"}),
    ],
)
def test_nothing_begins_for_who_is_not_here_any_more(department, table, row):
    found = Window(department)

    verdict = found.asked(table, person="1", **row)

    assert (verdict.confirm, verdict.says, verdict.note) == (False, (), "not here any more")


@pytest.mark.parametrize(
    ("department", "table", "column"),
    [
        ("kokuho", "loss_requests", "lost_on"), ("kokuho", "age_losses", "lost_on"),
        ("kouki", "loss_requests", "lost_on"), ("kokuho", "assistance_losses", "lost_on"),
        ("kaigo", "loss_requests", "lost_on"), ("nenkin", "age_losses", "lost_on"),
        ("nenkin", "death_reviews", "died_on"),
    ],
)  # fmt: skip
def test_a_loss_after_a_gain_ends_it_on_its_day_and_without_one_nothing_is_said(department, table, column):
    found = Window(department)
    asked = {"person": "1", "reason": "TENSHUTSU", column: "2026-04-03"}

    before = found.asked(table, **asked)
    found.stands("qualification", "1", person="1", since="2020-04-01")
    verdict = found.asked(table, **asked)

    assert (before.confirm, list(before.says)) == (True, [])
    assert verdict.confirm
    assert found.reasons("qualification", "1") == ["KETTEI", "SHURYO"]
    assert found.now("qualification", "1")["until"] == day("2026-04-03")


@pytest.mark.parametrize("department", ["kouki", "kaigo"])
def test_who_moves_into_a_facility_elsewhere_stays_insured_and_who_comes_into_one_is_not(department):
    table = {"kouki": "insured", "kaigo": "first_insured"}[department]
    found = Window(
        department,
        facility_reviews=[{"event_id": "e1", "building": "サンプル苑", "person": "1"}],
        facility_arrivals=[{"event_id": "e2", "building": "サンプル苑", "person": "2"}],
        **{table: [OLD | CARED | {"person": "2"}]},
    )
    found.stands("qualification", "1", person="1", since="2020-04-01")

    left = found.asked("loss_requests", person="1", reason="TENSHUTSU", lost_on="2026-04-03")
    came = found.asked("gain_requests", person="2", reason="TENNYU", acquired_on=MONDAY)

    assert (left.confirm, came.confirm) == (False, False)
    assert found.now("qualification", "1")["active"]


def test_care_insurance_notes_that_an_insured_person_lives_elsewhere():
    found = Window("kaigo")
    found.stands("qualification", "1", person="1", since="2020-04-01")

    found.asked("facility_reviews", person="1", since="2026-04-01", to="999998", building="サンプル苑")

    assert found.now("qualification", "1")["special_address"]


def test_a_funeral_is_paid_for_whom_the_town_insured():
    found = kokuho()
    found.stands("qualification", "1", person="1", since="2020-04-01")

    found.asked("loss_requests", person="1", reason="SHIBO", lost_on="2026-04-03")

    (paid,) = found.book.find("kokuho.disbursement")
    assert (paid.image["amount"], paid.image["payee_no"][0]) == (50_000, "9")


def test_a_premium_follows_who_is_insured_and_the_income_and_the_deduction_follows_the_premium():
    found = kokuho()
    found.works()
    whole = found.now("assessment", "1/2026")

    found.files.given["incomes"] = [{"person": "1", "income": 2_000_000}]
    found.works()
    dearer = found.now("assessment", "1/2026")
    for person in "12":
        found.asked("loss_requests", person=person, reason="TENSHUTSU", lost_on="2026-10-01")
    found.works()

    assert (whole["subject"], whole["collection"]) == ("1", "T")
    assert dearer["amount"] > whole["amount"]
    assert 0 < found.now("assessment", "1/2026")["amount"] < dearer["amount"]
    asked = found.now("deduction_request", "1/2026")
    assert (asked["amount"], asked["active"]) == (found.now("assessment", "1/2026")["amount"], True)


def test_who_was_never_insured_this_year_owes_nothing_and_nothing_is_deducted():
    found = Window("kouki", insured=[OLD])
    found.works()

    found.asked("loss_requests", person="1", reason="SHIBO", lost_on="2026-03-20")
    found.works()

    assert found.reasons("assessment", "1/2026")[-1] == "SHURYO"
    assert not found.now("deduction_request", "1/2026")["active"]


@pytest.mark.parametrize(
    ("since", "until", "active", "months"),
    [
        ("2020-01-01", None, True, 12), ("2026-07-31", None, True, 9), ("2020-01-01", "2026-04-30", False, 0),
        ("2020-01-01", "2026-05-01", False, 1), ("2027-04-01", None, True, 0), ("2020-01-01", None, False, 0),
        ("2020-01-01", "2019-01-01", False, 0),
    ],
)  # fmt: skip
def test_the_month_of_the_gain_counts_and_that_of_the_loss_does_not(since, until, active, months):
    image = {"active": active, "since": day(since), "until": day(until) if until else None}

    assert insured_months(image, 2026) == months


def test_letters_follow_an_addressee_who_is_a_resident_now():
    found = kokuho()
    found.stands("assessment", "1/2026", subject="1", year="2026", amount=1, notice_to="90000017")

    found.asked("addressee_merges", addressee="jutogai/90000017", survivor="7")

    assert found.now("assessment", "1/2026")["notice_to"] == "7"


def test_an_employer_s_insurance_ends_the_town_s_and_the_end_of_it_begins_it():
    found = kokuho()
    found.stands("qualification", "1", person="1", since="2020-04-01")
    found.files.given["household_members"] = [HEAD | {"is_insured": False}]

    found.works(("SHAKAI_HOKEN_KANYU", "1"))
    ended = found.now("qualification", "1")
    found.works(("SHAKAI_HOKEN_SOSHITSU", "1"))

    assert not ended["active"]
    assert found.now("qualification", "1")["active"]


def test_another_household_is_noted_and_an_announced_move_is_not():
    found = kokuho()
    found.stands("qualification", "1", person="1", since="2020-04-01", household="H")

    found.asked("household_reviews", person="1", reason="TENSHUTSU_TODOKE", since="2026-04-01", household="I")
    announced = found.now("qualification", "1")["household"]
    found.asked("household_reviews", person="1", reason="SETAI_BUNRI", since="2026-04-01", household="I")

    assert (announced, found.now("qualification", "1")["household"]) == ("H", "I")


def test_who_chose_the_elderly_s_scheme_leaves_the_town_s_and_may_come_back():
    found = kokuho()
    found.stands("qualification", "1", person="1", since="2020-04-01")

    found.asked("elderly_losses", person="1", reason="KETTEI", since="2026-04-01", until=None)
    found.asked("elderly_losses", person="1", reason="SHURYO", since="2026-04-01", until="2026-05-01")

    assert found.reasons("qualification", "1") == ["KETTEI", "SHURYO", "KETTEI"]


def test_only_who_is_insured_by_a_disability_ceases_to_be_with_its_certificate():
    found = Window("kouki")
    found.stands("qualification", "1", person="1", ground="障害認定")
    found.stands("qualification", "2", person="2", ground="75歳到達")

    for person in "12":
        found.asked("disability_reviews", person=person, reason="SHURYO", until="2026-04-01")

    assert [found.now("qualification", person)["active"] for person in "12"] == [False, True]


def test_who_is_examined_has_a_level_of_care_from_forty_on():
    found = Window("kaigo", first_insured=[CARED], second_insured=[{"person": "2", "born": "1975-01-01"}])

    found.works(("YOKAIGO_SHINSEI", "1"), ("YOKAIGO_SHINSEI", "2"), ("YOKAIGO_SHINSEI", "3"))

    images = [found.now("qualification", person) for person in "12"]
    assert [image["category"] for image in images] == ["第1号", "第2号"]
    assert all(image["care_level"] for image in images)
    assert found.book.find("kaigo.qualification", {"person": "3"}) == []


def test_the_premium_of_who_gets_a_pension_now_is_deducted_from_it():
    found = Window("kaigo")
    found.stands("assessment", "1/2026", subject="1", year="2026", collection="F", amount=54_000)

    found.asked("deduction_starts", person="1", pension_paid_on="2026-04-15")

    assert found.now("assessment", "1/2026")["collection"] == "T"


def test_assistance_exempts_from_the_national_pension_as_long_as_it_lasts():
    found = Window("nenkin", of_age=[GROWN])

    found.asked("exemption_requests", person="1", reason="KETTEI", since="2026-04-01", until=None)
    exempted = found.now("qualification", "1")["exemption"]
    found.asked("exemption_requests", person="1", reason="SHURYO", since="2026-04-01", until="2026-05-01")

    assert (exempted, found.now("qualification", "1")["exemption"]) == ("法定免除", None)


def test_who_goes_abroad_leaves_the_national_pension_or_stays_of_their_own_will():
    found = Window("nenkin")
    for person in map(str, range(30)):
        found.stands("qualification", person, person=person, category="第1号")
        found.asked("loss_requests", person=person, reason="TENSHUTSU", lost_on="2026-04-02")

    stands = found.look().facts("nenkin.qualification")

    assert 3 < len(stands) < 20
    assert {fact.image["category"] for fact in stands} == {"任意"}


def test_what_stands_under_a_number_goes_on_under_the_one_that_stays_and_back_where_that_was_wrong():
    found = Window("nenkin")
    found.stands("qualification", "1", person="1", pension_no="9999-000001")

    found.files.given["bus_alias"] = [{"person": "1", "survivor": "2"}]
    found.works()
    merged = [found.now("qualification", person) for person in "12"]
    found.files.given["bus_alias"] = []
    found.works()

    assert [one["active"] for one in merged] == [False, True]
    assert {one["person"] for one in merged} == {"2"}
    assert [found.now("qualification", person)["active"] for person in "12"] == [True, False]
    assert found.now("qualification", "1")["person"] == "1"


@pytest.mark.parametrize("department", ["kokuho", "kouki", "kaigo", "nenkin"])
def test_the_same_day_gives_the_same_facts(department):
    rows = {
        "household_members": [HEAD, CHILD], "insured": [OLD], "first_insured": [CARED], "of_age": [GROWN],
    }  # fmt: skip

    first, second = ([(e.key, e.reason, e.data) for e in Window(department, **rows).works()] for _ in range(2))

    assert first == second
    assert first


def test_a_list_reaches_the_next_pay_day_that_is_three_days_ahead():
    assert pay_day(date(2026, 4, 12)) == date(2026, 4, 15)
    assert pay_day(date(2026, 4, 13)) == date(2026, 5, 15)
    assert pay_day(date(2026, 12, 30), 5) == date(2027, 1, 5)
    assert month(date(2026, 12, 6), 1) == Uncertain("2027-01", date(2027, 1, 1), date(2027, 1, 31))


def test_an_office_looks_at_nothing_but_what_it_is_given():
    assert {field for field in Look.__dataclass_fields__ if field != "besides"} == {
        "on", "book", "files", "world", "filings",
    }  # fmt: skip
