"""Is each day of the calendar said once per person and duty, in order, whatever stops or is found out later?"""

from __future__ import annotations

from collections import Counter
from datetime import UTC

import pytest
from sqlalchemy import text

from bus.clock import clock as clocks
from bus.register.entry import Entry
from tests.register.clocking import arrive, at, enter, published, run, said
from tests.register.ledger import named

pytestmark = pytest.mark.stack

ABOUT_1961 = {"text": "昭和36年頃", "earliest": "1961-01-01", "latest": "1961-12-31"}


@pytest.fixture
def register(empty_register):
    """Without anybody in it: the clock speaks of everybody there is."""
    return empty_register


class TestEachDayOnce:
    def test_a_day_is_said_once_however_often_the_clock_runs(self, register):
        (key,) = arrive(register, "1961-03-20")

        reports = [run(register, day) for day in ("2026-03-18", "2026-03-19", "2026-03-19", "2026-03-25")]

        assert [dict(report.said) for report in reports] == [{}, {"NENREI_65": 1}, {}, {}]
        assert [report.days for report in reports] == [17, 1, 0, 6]
        assert said(register, key) == [("NENREI_65", "2026-03-19", False)]

    def test_it_is_the_present_version_once_more_published_as_the_register_reads_it_back(self, register):
        (key,) = arrive(register, "1961-03-20")
        enter(register, "SHIMEI_HENKO", named(key, name__full="乙川　一"), on="2026-03-10")

        run(register, "2026-03-31")

        told = published(register, key)
        first, second, clock = (event for event, _ in told)
        assert [event for event, _ in told] == register.entry.history(key, clock=True)
        assert [repeats for _, repeats in told] == [False, False, True]
        assert (clock.kind, clock.version, clock.reason) == ("CLOCK", second.version, "NENREI_65")
        assert clock.data == clock.before == second.data != first.data
        assert (clock.before_recorded, clock.recorded) == (second.recorded, at("2026-03-19", 0).astimezone(UTC))

    def test_a_stop_of_ten_days_is_made_up_for_in_order(self, register):
        keys = arrive(register, *(f"1961-03-{day}" for day in (20, 11, 16, 13, 15)))
        run(register, "2026-03-09")

        report = run(register, "2026-03-19")

        query = text("SELECT due FROM clock_said JOIN bus_outbox ON id = event_id WHERE shard = :n ORDER BY seq")
        with register.owner.connect() as db:
            by_shard = [list(db.execute(query, {"n": shard}).scalars()) for shard in range(4)]
        assert (report.days, report.said) == (10, Counter({"NENREI_65": 5}))
        assert by_shard == [sorted(days) for days in by_shard]
        assert {said(register, key)[0][1][-2:] for key in keys} == {"19", "10", "15", "12", "14"}

    def test_two_duties_of_one_day_follow_one_another(self, register):
        (_, child) = arrive(register, "1980-05-05", "2019-06-01")

        run(register, "2026-04-01")

        days = [event for event in register.entry.history(child, clock=True) if event.kind == "CLOCK"]
        assert [event.reason for event in days] == ["NENDOMATSU_6", "SHUGAKU", "SHIGATSU"]
        assert days[1].recorded == at("2026-04-01", 0).astimezone(UTC) < days[2].recorded

    def test_what_comes_every_year_comes_again(self, register):
        (key,) = arrive(register, "1990-05-05")

        run(register, "2028-04-01")

        assert Counter(duty for duty, *_ in said(register, key)) == {"SHIGATSU": 3, "JUGATSU": 2, "GANJITSU": 2}

    def test_a_first_run_says_nothing_of_the_days_before_it(self, register):
        (key,) = arrive(register, "1961-03-20")

        report = run(register, "2026-03-31", since="2026-03-25")

        assert (report.days, said(register, key)) == (6, [])
        assert run(register, "2026-04-01", since="2020-01-01").days == 1  # later runs go on where it stopped

    def test_a_clock_that_is_killed_between_persons_goes_on_where_it_stopped(self, register, monkeypatch):
        keys = [arrive(register, "1961-03-20")[0] for _ in range(5)]
        monkeypatch.setattr(clocks, "BATCH", 2)
        dies = Entry(register.app, Dies(register.entry.contract, after=3), "999999", register.entry.incarnation)

        with pytest.raises(RuntimeError):
            run(register, "2026-03-31", dies)
        half = sum(len(said(register, key)) for key in keys)
        run(register, "2026-03-31")

        assert half == 2  # the third was in a transaction that did not come to its end
        assert [said(register, key) for key in keys] == [[("NENREI_65", "2026-03-19", False)]] * 5


class Dies:
    def __init__(self, contract, after):
        self.contract, self.left, self.image = contract, after, contract.image

    def encode(self, event, **more):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError
        return self.contract.encode(event, **more)


class TestWhatIsFoundOutLater:
    def test_an_uncertain_birth_is_for_a_person_to_look_at_and_nothing_is_said(self, register):
        (key,) = arrive(register, ABOUT_1961)

        early, late = run(register, "2026-03-31"), run(register, "2026-12-30")

        assert (early.review, late.review) == ({"NENREI_65": 1}, {"NENKIN_TSUKI": 1, "NENREI_65": 1})
        assert {duty for duty, *_ in said(register, key)} == {"SHIGATSU", "JUGATSU"}

    def test_once_the_birth_is_known_its_days_are_said_and_nobody_has_to_look(self, register):
        (key,) = arrive(register, ABOUT_1961)
        run(register, "2026-03-31")
        enter(register, "SHOKKEN_SHUSEI", named(key, birth="1961-05-10"), on="2026-04-02")

        before, after = run(register, "2026-05-08"), run(register, "2026-05-09")

        assert (before.review, before.said["NENREI_65"], after.said) == ({}, 0, {"NENREI_65": 1})

    def test_a_birth_that_is_corrected_takes_back_what_was_said_and_says_what_is_right_in_time(self, register):
        (key,) = arrive(register, "1961-03-20")
        run(register, "2026-03-31")
        enter(register, "GOKI_SHUSEI", named(key, birth="1961-05-20"), on="2026-04-10")

        reports = [run(register, day) for day in ("2026-04-30", "2026-05-18", "2026-05-19")]

        old, back, new = (e for e in register.entry.history(key, clock=True) if e.reason == "NENREI_65")
        assert [dict(report.annulled) for report in reports] == [{"NENREI_65": 1}, {}, {}]
        assert (back.kind, back.supersedes, back.effective) == ("CLOCK", old.id, old.effective)
        assert (old.version, back.version, new.version) == (1, 2, 2)
        assert str(new.effective.text) == "2026-05-19"
        assert [event for event, _ in published(register, key)] == register.entry.history(key, clock=True)

    def test_a_corrected_day_that_has_come_already_is_said_at_once(self, register):
        (key,) = arrive(register, "1961-05-20")
        run(register, "2026-03-31")
        enter(register, "GOKI_SHUSEI", named(key, birth="1961-03-20"), on="2026-04-10")

        run(register, "2026-04-10")

        assert ("NENREI_65", "2026-03-19", False) in said(register, key)
        (late,) = (e for e in register.entry.history(key, clock=True) if e.reason == "NENREI_65")
        assert late.recorded > late.before_recorded == at("2026-04-10").astimezone(UTC)

    def test_a_correction_that_is_itself_corrected_says_the_day_again(self, register):
        (key,) = arrive(register, "1961-03-20")
        for birth, on in (("1961-05-20", "2026-04-10"), ("1961-03-20", "2026-04-12")):
            run(register, on)
            enter(register, "GOKI_SHUSEI", named(key, birth=birth), on=on)

        run(register, "2026-04-30")

        assert [one for one in said(register, key) if one[0] == "NENREI_65"] == [
            ("NENREI_65", "2026-03-19", False),
            ("NENREI_65", "2026-03-19", True),
            ("NENREI_65", "2026-03-19", False),
        ]

    def test_a_death_that_was_before_the_day_takes_it_back_and_one_behind_it_does_not(self, register):
        before, behind = arrive(register, "1990-05-05")[0], arrive(register, "1990-05-05")[0]
        run(register, "2027-01-04")
        enter(register, "SHIBO", before, on="2027-01-05", effective="2026-12-30")
        enter(register, "SHIBO", behind, on="2027-01-05", effective="2027-01-02")

        report = run(register, "2027-04-30")

        assert report.annulled == {"GANJITSU": 1}
        assert said(register, before)[-1] == ("GANJITSU", "2027-01-01", True)
        assert said(register, behind)[-1] == ("GANJITSU", "2027-01-01", False)  # and no 1 April for the dead

    def test_who_arrived_before_the_day_and_is_heard_of_behind_it_is_counted(self, register):
        arrive(register, "1990-05-05")
        run(register, "2027-01-05")
        (key,) = arrive(register, "1962-01-04", recorded="2027-01-06", effective="2026-12-28")

        run(register, "2027-01-06")

        assert said(register, key) == [("GANJITSU", "2027-01-01", False)]  # 65 was attained before we heard: no news

    def test_who_comes_back_keeps_what_was_said_of_the_first_stay(self, register):
        (key,) = arrive(register, "1990-05-05")
        run(register, "2026-04-01")
        enter(register, "TENSHUTSU", key, on="2026-04-05")
        back = named(key, household__relation_code="02", household__relation="世帯主", address__town="南")
        enter(register, "TENNYU", back, on="2026-06-01", household="new")

        report = run(register, "2026-10-01")

        assert report.annulled == {}
        assert said(register, key) == [("SHIGATSU", "2026-04-01", False), ("JUGATSU", "2026-10-01", False)]

    def test_a_permit_that_is_extended_in_time_ends_on_the_new_day_only(self, register):
        foreign = {"resident_type": "2", "foreign__article_30_45": "1", "foreign__expires_on": "2026-04-30"}
        in_time, late = (arrive(register, "1990-05-05", **foreign)[0] for _ in range(2))
        run(register, "2026-04-20")
        enter(register, "SHOKKEN_SHUSEI", named(in_time, foreign__expires_on="2027-04-30"), on="2026-04-21")
        run(register, "2026-05-01")
        enter(register, "SHOKKEN_SHUSEI", named(late, foreign__expires_on="2027-04-30"), on="2026-05-02")

        run(register, "2026-05-31")

        ends = [[one for one in said(register, key) if one[0] == "ZAIRYU_MANRYO"] for key in (in_time, late)]
        assert ends == [[], [("ZAIRYU_MANRYO", "2026-04-30", False)]]  # it had ended, all the same
