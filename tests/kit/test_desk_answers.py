"""What do taxes, collection and the internal departments answer, table by table? What lies before them is invented."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bus.adapters.sql.proposals import Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk import internal, tax
from bus.kit.desk.desk import LATER, Look, Verdict
from bus.kit.desk.tax.collection import due
from bus.kit.desk.tax.corporations import INVENTED
from bus.kit.desk.tax.inhabitants import Taxed
from bus.resident.numbers import hojin_bango
from tests.fleet.hall import connector
from tests.kit.memory import Book, Tables, evening

APRIL = date(2026, 4, 6)
OFFICES = tax.OFFICES | internal.OFFICES
FAMILY = [
    {"person": "1", "household": "H", "state": "死亡者", "born": "1940-01-01"},
    {"person": "2", "household": "H", "state": "住民", "born": "1945-05-05"},
    {"person": "3", "household": "H", "state": "住民", "born": "1970-07-07"},
    {"person": "4", "household": "H", "state": "住民", "born": "2015-07-07"},
]
OWED = {"year": "2026", "amount": 40_000, "terms": 4, "due_on": "2026-05-31", "collection": "F"}


class Before:
    """What lies before the staff of one department."""

    def __init__(self, department: str, on: date = APRIL, **tables: list[dict[str, Any]]) -> None:
        self.department, self.book, self.files = department, Book(department), Tables({"taxpayers": FAMILY} | tables)
        world = {"kojin_juminzei": Tables({"taxpayers": FAMILY})}
        self.look = Look(on, self.book, self.files, world | {department: self.files})

    def stands(self, entity: str, key: str, **image: Any) -> str:
        say = Say(f"{self.department}.{entity}", key, "KETTEI", image, Uncertain.on(self.look.on))
        return self.book.say(None, [say], evening(self.look.on))[0].id

    def asked(self, table: str, event: str = "e", **row: Any) -> Verdict:
        request = Request(table, event, "REGISTER", None, "received", None, None, None, row)
        return OFFICES[self.department].answers[table](request, self.look)

    def after(self, verdict: Verdict, entity: str, key: str) -> Any:
        self.book.say(None, verdict.says, evening(self.look.on))
        return self.book.history(f"{self.department}.{entity}", key)[-1].data


@pytest.mark.parametrize("department", sorted(OFFICES))
def test_every_table_of_requests_has_an_answer_and_every_answer_its_table(department):
    asked = {table.name for table in connector(department).tables if not table.kept}

    answered = set(OFFICES[department].answers)

    assert answered == asked


@pytest.mark.parametrize(
    ("department", "table"),
    [
        ("kojin_juminzei", "assessment_reviews"),
        ("kotei_shisanzei", "owner_reviews"),
        ("keiji_zei", "holder_reviews"),
    ],
)
def test_of_who_died_letters_go_to_the_oldest_grown_up_of_the_household(department, table):
    before = Before(department)
    key = f"{department}/1/2026"
    before.stands("assessment", key, subject="1", notice_to="1", amount=100)

    verdict = before.asked(table, person="1", reason="SHIBO", since="2026-04-02")

    assert verdict.confirm
    assert before.after(verdict, "assessment", key)["notice_to"] == "2"


@pytest.mark.parametrize(
    ("department", "table"),
    [
        ("kojin_juminzei", "assessment_reviews"),
        ("kotei_shisanzei", "owner_reviews"),
        ("keiji_zei", "holder_reviews"),
    ],
)
def test_of_who_died_and_owes_nothing_nothing_is_said(department, table):
    verdict = Before(department).asked(table, person="1", reason="SHIBO", since="2026-04-02")

    assert (verdict.confirm, list(verdict.says)) == (True, [])


@pytest.mark.parametrize("department", ["kojin_juminzei", "kotei_shisanzei", "keiji_zei"])
def test_letters_follow_an_addressee_who_is_somebody_else_now(department):
    before = Before(department)
    key = f"{department}/900010/2026"
    before.stands("assessment", key, subject="900010", notice_to="900010", amount=100)

    verdict = before.asked("outside_reviews", addressee="jutogai/900010", reason="TOGO", merged_into="2")

    assert before.after(verdict, "assessment", key)["notice_to"] == "2"


def test_who_came_after_the_tax_date_is_taxed_elsewhere():
    before = Before("kojin_juminzei", taxpayers=FAMILY)

    late = before.asked("assessment_reviews", person="3", reason="TENNYU", since="2026-03-20")
    early = before.asked("assessment_reviews", person="3", reason="TENNYU", since=date(2024, 12, 20))

    assert (late.confirm, list(late.says)) == (True, [])
    assert next(say.entity for say in early.says) == "kojin_juminzei.taxation"


def test_who_leaves_the_country_is_written_to_by_way_of_the_household():
    before = Before("kojin_juminzei")
    before.stands("assessment", "kojin_juminzei/3/2025", subject="3", notice_to="3", amount=100)

    verdict = before.asked("tax_agents", person="3", leaves_on="2026-04-03")

    assert before.after(verdict, "assessment", "kojin_juminzei/3/2025")["notice_to"] == "2"


def test_who_is_on_assistance_and_has_no_return_is_exempt():
    before = Before("kojin_juminzei")

    verdict = before.asked("assistance_reviews", person="3", reason="KETTEI", since="2026-04-01", until=None)

    taxation = before.after(verdict, "taxation", "kojin_juminzei/3/2025")
    assert (taxation["income"], taxation["tax"], taxation["is_exempt"]) == (0, 0, True)


@pytest.mark.parametrize(("kind", "collection"), [("退職", "F"), ("休職", "F"), ("就職", "T")])
def test_tax_is_withheld_no_more_from_who_leaves(kind, collection):
    before = Before("kojin_juminzei")
    before.stands("assessment", "kojin_juminzei/3/2025", subject="3", amount=100, collection="T")

    verdict = before.asked("withholding_changes", person="3", staff_no="S1", change_kind=kind, changed_on="2026-04-05")

    assert before.after(verdict, "assessment", "kojin_juminzei/3/2025")["collection"] == collection


@pytest.mark.parametrize(("department", "entity"), [("kotei_shisanzei", "taxation"), ("keiji_zei", "assessment")])
def test_of_all_whom_a_tax_date_asks_about_a_few_own_something(department, entity):
    before = Before(department)

    verdicts = [before.asked("tax_date_entries", person=str(number), tax_date="2026-04-01") for number in range(400)]

    says = [say for verdict in verdicts for say in verdict.says]
    assert all(verdict.confirm for verdict in verdicts)
    assert {say.entity for say in says} == {f"{department}.{entity}"}
    assert 5 <= len(says) <= 40


def bank(event: str = "e", **more: Any) -> dict[str, Any]:
    return {
        "event_id": event, "kind": "REGISTER", "supersedes": None, "result": "zaimu_kaikei/1", "slip_no": "1",
        "system": "keiji_zei", "assessment": "keiji_zei/3/2026", "amount": 10_000, "paid_on": "2026-04-06",
    } | more  # fmt: skip


def test_a_slip_opens_the_account_and_is_in_it():
    owed = OWED | {"assessment": "keiji_zei/3/2026", "subject": "3"}
    before = Before("shutaino", assessments=[owed], bank_results=[bank()])

    verdict = before.asked("bank_results", **bank())

    payment = before.after(verdict, "payment", "shutaino/keiji_zei/3/2026")
    assert (payment["paid"], payment["arrears"], payment["last_paid_on"].text) == (10_000, 0, "2026-04-06")
    assert [say.reason for say in verdict.says] == ["KETTEI", "HENKO"]


def test_a_slip_waits_for_its_assessment():
    assert Before("shutaino", assessments=[], bank_results=[bank()]).asked("bank_results", **bank())[3] == LATER.waits


def test_an_account_is_set_right_where_a_bank_took_a_slip_back():
    owed = OWED | {"assessment": "keiji_zei/3/2026", "subject": "3"}
    rows = [bank("a"), bank("b", amount=20_000), bank("c", kind="ANNUL", supersedes="a")]
    decided = [{"request": "bank_results", "event_id": one["event_id"], "state": "confirmed"} for one in rows]
    before = Before("shutaino", assessments=[owed], bank_results=rows, bus_proposal=decided)

    for chore in OFFICES["shutaino"].closing:
        before.book.say(None, list(chore(before.look)), evening(APRIL))

    (payment,) = before.book.find("shutaino.payment")
    (receipt,) = before.book.find("shutaino.receipt")
    assert payment.image["paid"] == 20_000
    assert (receipt.image["amount"], receipt.image["count"]) == (20_000, 1)
    assert [say for chore in OFFICES["shutaino"].closing for say in chore(before.look) if say.reason != "HENKO"] == []


@pytest.mark.parametrize(
    ("on", "expected"),
    [("2026-05-31", 0), ("2026-06-01", 10_000), ("2026-07-31", 10_000), ("2026-08-01", 20_000), ("2027-06-01", 40_000)],
)
def test_terms_fall_due_one_after_another(on, expected):
    assert due(OWED, date.fromisoformat(on)) == expected


def test_nothing_is_paid_out_without_a_decision_or_an_amount():
    row = {"payment": "kokuho/1", "reason": "KETTEI", "payee_no": "P1", "amount": 100}

    without = Before("zaimu_kaikei").asked("payment_requests", **row)
    with_one = Before("zaimu_kaikei", documents=[{"document": "bunsho_kanri/1"}]).asked("payment_requests", **row)
    nothing = Before("zaimu_kaikei").asked("payment_requests", **row | {"amount": 0})
    ended = Before("zaimu_kaikei").asked("payment_requests", **row | {"reason": "SHURYO"})

    assert (without.waits, with_one.confirm, nothing.confirm, nothing.waits, ended.confirm) == (
        True, True, False, False, True,
    )  # fmt: skip


def test_travel_is_paid_to_who_works_here():
    row = {"claim": "shomu_jimu/1", "staff_no": "S1", "amount": 100}

    assert Before("zaimu_kaikei", staff_members=[{"staff_no": "S1"}]).asked("travel_requests", **row).confirm
    assert Before("zaimu_kaikei", staff_members=[{"staff_no": "S2"}]).asked("travel_requests", **row).waits


def test_no_invented_corporation_can_be_a_real_one():
    assert len(set(INVENTED)) == 12
    assert all(len(number) == 13 and number.isdigit() for number in INVENTED)
    assert all(hojin_bango(number[1:]) != number[0] and hojin_bango(number[1:]) != number for number in INVENTED)


@pytest.mark.parametrize(
    ("taxed", "exempt", "tax"),
    [
        (Taxed(450_000, 0, disabled=False, assisted=False), True, 0),
        (Taxed(451_000, 0, disabled=False, assisted=False), False, 5_000),
        (Taxed(1_350_000, 0, disabled=True, assisted=False), True, 0),
        (Taxed(9_000_000, 0, disabled=False, assisted=True), True, 0),
        (Taxed(3_000_000, 1, disabled=False, assisted=False), False, 184_000),
    ],
)
def test_tax_follows_from_what_the_return_says(taxed, exempt, tax):
    assert (taxed.is_exempt, taxed.tax) == (exempt, tax)
