"""What do the offices of welfare and health answer, and what do they say by themselves?"""

from __future__ import annotations

from datetime import date

import pytest

from bus.dates import Uncertain
from bus.kit.desk.services.children import claims
from bus.kit.desk.services.welfare import started
from tests.kit.window import MONDAY, Window

FAMILY = [
    {"person": "1", "household": "H", "is_head": True, "born": "1985-01-01"},
    {"person": "2", "household": "H", "is_head": False, "born": "1988-01-01"},
    {"person": "3", "household": "H", "is_head": False, "born": "2015-06-01"},
    {"person": "4", "household": "H", "is_head": False, "born": "2025-06-01"},
]
CHILDREN = [row | {"leaves_on": None} for row in FAMILY[2:]]
RESIDENTS = [row | {"leaves_on": None} for row in FAMILY]
WORLD = {"kokuho": {"household_members": FAMILY}}


def day(text: str) -> Uncertain:
    return Uncertain.parse(text)


def entitled(*children: dict) -> Window:
    """The head receives for these children."""
    found = Window("jido_teate", WORLD, children=list(children))
    found.stands("entitlement", "1", person="1", from_month=None, children=len(children), monthly=10_000)
    return found


def test_a_claim_is_the_head_s_for_all_children_of_the_household_from_the_next_month_on():
    found = Window("jido_teate", WORLD, children=CHILDREN)

    verdict = found.asked("claim_invitations", person="4", reason="SHUSSEI", claim_by="2026-04-20", household="H")

    image = found.now("entitlement", "1")
    assert verdict.confirm
    assert (image["children"], image["monthly"], image["from_month"].text) == (2, 25_000, "2026-05")


def test_the_third_child_is_worth_more():
    third = CHILDREN[0] | {"person": "5", "born": "2012-01-01"}
    found = Window("jido_teate", WORLD, children=[*CHILDREN, third])

    found.asked("claim_invitations", person="4", reason="SHUSSEI", claim_by="2026-04-20", household="H")

    assert found.now("entitlement", "1")["monthly"] == 10_000 + 10_000 + 30_000


def test_nobody_claims_for_a_child_who_has_gone_or_whom_no_grown_up_lives_with():
    alone = Window("jido_teate", {"kokuho": {"household_members": FAMILY[2:]}}, children=CHILDREN)
    gone = Window("jido_teate", WORLD)
    empty = Window("jido_teate", {}, children=CHILDREN)
    asked = {"person": "4", "reason": "SHUSSEI", "claim_by": "2026-04-20", "household": "H"}

    answers = [found.asked("claim_invitations", **asked) for found in (alone, gone, empty)]

    assert [(one.confirm, one.waits) for one in answers] == [(False, False), (False, False), (False, True)]
    assert [found.book.events for found in (alone, gone, empty)] == [{}, {}, {}]


def test_one_child_less_is_less_and_the_last_one_ends_it():
    found = entitled(*CHILDREN)
    asked = {"reason": "TENSHUTSU", "role": "児童", "last_month": "2026-04", "household": "H"}

    found.files.given["children"] = CHILDREN[:1]
    found.asked("allowance_ends", person="4", **asked)
    one = found.now("entitlement", "1")
    found.files.given["children"] = []
    found.asked("allowance_ends", person="3", **asked)

    assert (one["children"], one["monthly"], one["active"]) == (1, 10_000, True)
    assert not found.now("entitlement", "1")["active"]
    assert found.now("entitlement", "1")["until_month"].text == "2026-04"


def test_who_receives_and_lives_here_no_more_receives_no_more():
    found = entitled(*CHILDREN)
    found.world["kokuho"].given["household_members"] = FAMILY[1:]

    found.works()

    assert found.reasons("entitlement", "1") == ["KETTEI", "SHURYO"]


def test_in_an_even_month_two_are_paid_and_once_only():
    found = entitled(*CHILDREN)

    found.works()
    found.works()

    paid = [one.image for one in found.book.find("jido_teate.disbursement")]
    monthly = found.now("entitlement", "1")["monthly"]
    assert [(one["amount"], one["pay_on"].text) for one in paid] == [(2 * monthly, "2026-04-15")]


def test_who_files_a_claim_receives_unless_somebody_of_the_household_does():
    found = Window("jido_teate", WORLD, children=CHILDREN)

    found.say(claims("2", found.look()))

    assert found.now("entitlement", "2")["children"] == 2
    assert claims("1", found.look()) == []
    assert claims("9", found.look()) == []


def test_a_child_is_helped_from_the_birth_to_the_day_of_the_move():
    found = Window("nyuyoji_iryo", children=CHILDREN)

    found.asked("candidates", person="4", reason="SHUSSEI", entitled_from=date(2026, 4, 2), last_day=None)
    began = found.now("entitlement", "4")
    found.asked("ends", person="4", reason="TENSHUTSU", ends_on=date(2026, 4, 10))

    assert began["since"] == day("2026-04-02")
    assert (found.now("entitlement", "4")["until"], found.now("entitlement", "4")["active"]) == (
        day("2026-04-10"),
        False,
    )


def test_public_assistance_ends_the_help_with_a_doctor_and_its_end_begins_it_again():
    found = Window("nyuyoji_iryo", children=CHILDREN)
    found.stands("entitlement", "4", person="4", since="2025-06-01")

    for table, row in (
        ("assistance_losses", {"lost_from": "2026-04-01"}),
        ("assistance_reviews", {"ended_on": "2026-05-01"}),
    ):
        found.asked(table, person="4", **row)

    assert found.reasons("entitlement", "4") == ["KETTEI", "SHURYO", "KETTEI"]


def parents(*grown: str) -> Window:
    return Window(
        "hitorioya_iryo", residents=[row for row in RESIDENTS if row["person"] in (*grown, "3", "4")], children=CHILDREN
    )


def test_before_the_story_parents_alone_are_helped_with_their_children():
    found = parents("1")

    found.works()

    assert [one.image["person"] for one in found.look().facts("hitorioya_iryo.entitlement")] == ["1", "3", "4"]


def test_a_marriage_ends_the_help_of_the_parent_and_of_the_children():
    found = parents("1")
    for person in "134":
        found.stands("entitlement", person, person=person, since="2025-11-01")

    found.asked("family_reviews", person="1", reason="KOSEKI_KONIN", since="2026-04-06", household="H")

    assert found.look().facts("hitorioya_iryo.entitlement") == []


def test_a_death_ends_the_help_of_the_dead_alone():
    found = parents("1")
    for person in "134":
        found.stands("entitlement", person, person=person, since="2025-11-01")

    found.asked("family_reviews", person="3", reason="SHIBO", since="2026-04-06", household="H")

    assert [one.image["person"] for one in found.look().facts("hitorioya_iryo.entitlement")] == ["1", "4"]


def test_a_divorce_may_begin_it_where_children_live_and_another_grown_up_ends_it():
    begun = [parents(str(number), "1") for number in range(5, 25)]

    for number, found in enumerate(begun, 5):
        found.asked("family_reviews", person=str(number), reason="KOSEKI_RIKON", since="2026-04-06", household="H")
    both = parents("1", "2")
    both.stands("entitlement", "1", person="1", since="2025-11-01")
    both.asked("household_reviews", person="1", reason="SETAI_GAPPEI", since="2026-04-06", household="H")

    assert 5 < sum(bool(found.book.events) for found in begun) < 20
    assert not both.now("entitlement", "1")["active"]


def test_a_small_child_s_own_help_comes_first():
    found = parents("1")
    found.stands("entitlement", "4", person="4", since="2025-11-01")

    found.asked("priority_reviews", person="4", reason="SHURYO", since="2026-04-01", until="2026-04-02")
    still = found.now("entitlement", "4")["active"]
    found.asked("priority_reviews", person="4", reason="KETTEI", since="2026-04-01", until=None)

    assert (still, found.now("entitlement", "4")["active"]) == (True, False)


def test_a_certificate_is_given_back_after_a_death_and_stays_ours_after_a_move_into_a_home():
    found = Window("shogai_fukushi", residents=RESIDENTS)
    for person in "12":
        found.stands("certificate", person, person=person, kind="身体", grade="1級")
    row = {"ended_on": "2026-04-03", "household": "H", "moves_to": "999998"}

    found.asked("ends", person="1", reason="TENSHUTSU", moves_into="サンプル苑", **row)
    found.asked("ends", person="2", reason="SHIBO", moves_into=None, **row)

    assert [found.now("certificate", person)["active"] for person in "12"] == [True, False]
    assert found.now("certificate", "2")["until"] == day("2026-04-03")


def test_a_certificate_is_issued_to_who_files_for_it_and_to_nobody_who_is_gone():
    found = Window("shogai_fukushi", residents=RESIDENTS[:1])

    found.works(("SHOGAI_TECHO", "1"), ("SHOGAI_TECHO", "9"))

    assert found.now("certificate", "1")["grade"]
    assert found.book.find("shogai_fukushi.certificate", {"person": "9"}) == []


def houses(count: int) -> Window:
    rows = [
        {"person": f"{no}{member}", "household": str(no), "leaves_on": None} for no in range(count) for member in "12"
    ]
    return Window("seikatsu_hogo", residents=rows)


def test_public_assistance_begins_for_a_whole_household_under_one_number():
    found = houses(1)

    found.say(started("01", found.look()))

    cases = [one.image for one in found.look().facts("seikatsu_hogo.assistance")]
    assert [one["person"] for one in cases] == ["01", "02"]
    assert len({one["case_no"] for one in cases}) == 1


def test_on_the_second_day_one_case_ends_and_who_gives_up_ends_another_but_never_the_last():
    found = houses(30)

    found.works()
    first = len({one.image["case_no"] for one in found.look().facts("seikatsu_hogo.assistance")})
    found.works()
    second = len({one.image["case_no"] for one in found.look().facts("seikatsu_hogo.assistance")})
    found.works(("SEIKATSU_HOGO_HAISHI", "11"))

    assert (first, second) == (2, 1)
    assert len(found.look().facts("seikatsu_hogo.assistance")) == 2


@pytest.mark.parametrize(("reason", "stands"), [("SHUSSEI", True), ("TENYO", False), ("TENKYO", False)])
def test_a_child_born_into_a_case_is_on_assistance_too(reason, stands):
    found = houses(1)
    found.stands("assistance", "01", person="01", case_no="2025-0001")

    found.asked("change_reviews", person="02", reason=reason, since="2026-04-06", household="0", ended_on=None)

    born = found.book.find("seikatsu_hogo.assistance", {"person": "02"})
    assert [one.image["case_no"] for one in born] == ["2025-0001"] * stands


def test_a_death_takes_one_out_of_the_case():
    found = houses(1)
    for person in ("01", "02"):
        found.stands("assistance", person, person=person, case_no="2025-0001")

    found.asked("change_reviews", person="01", reason="SHIBO", since=MONDAY, household="0", ended_on="2026-04-03頃")

    assert [found.now("assistance", person)["active"] for person in ("01", "02")] == [False, True]
    assert found.now("assistance", "01")["until"].text == "2026-04-03頃"
