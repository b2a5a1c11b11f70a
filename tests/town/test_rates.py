"""Does as much happen as in a city of this size, in its season, on its days and hours; and is it always the same?"""

import os
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta

import pytest

from bus.settings import ROOT
from bus.town.stories import counter
from bus.town.town import build
from bus.town.week import play

DAY = date(2026, 4, 5)
SIZE = 20_000


@pytest.fixture(scope="module")
def city():
    return build(SIZE, 7, DAY)


@pytest.fixture(scope="module")
def month(city):
    return play(city, 30)


def persons(month, *reasons):
    named = [m.request for m in month.movements if m.request["reason"] in reasons and m.at.hour >= 9]
    return sum(max(len(request["persons"]), 1) for request in named)


# reason, per 1,000 and year (domain 6.3), of a month's moves what the season makes of it, and how far chance may lead
RATES = [
    (("TENNYU",), 47.8, True, 0.15), (("TENSHUTSU_TODOKE",), 44.9, True, 0.15), (("TENSHUTSU",), 44.9, True, 0.25),
    (("TENKYO",), 22.0, True, 0.25), (("SHUSSEI",), 5.5, False, 0.35), (("SHIBO",), 12.9, False, 0.3),
    (("ZAIRYU_HENKO",), 24.0, False, 0.2),
    (("SETAINUSHI_HENKO", "SETAI_BUNRI", "SETAI_GAPPEI", "SETAI_HENKO"), 8.0, False, 1.6),
]  # fmt: skip


@pytest.mark.parametrize(("reasons", "rate", "moving", "off"), RATES, ids=[rate[0][0] for rate in RATES])
def test_as_much_happens_as_the_published_rates_say(month, reasons, rate, moving, off):
    days = [DAY + timedelta(days=n) for n in range(1, 31)]
    share = sum(counter.weight(day, moving=moving) for day in days if counter.is_open(day))

    assert persons(month, *reasons) == pytest.approx(rate / 1_000 * SIZE * share, rel=off, abs=4)


def test_a_year_of_open_days_is_a_whole_year():
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]

    for moving in (True, False):
        assert sum(counter.weight(day, moving=moving) for day in year if counter.is_open(day)) == pytest.approx(1.0)


def test_months_have_the_published_weights_and_april_begins_with_a_rush():
    def share(month):
        days = [date(2026, month, 1) + timedelta(days=n) for n in range(31)]
        days = [day for day in days if day.month == month and counter.is_open(day)]
        return sum(counter.weight(day, moving=True) for day in days)

    busy, calm = counter.weight(date(2026, 4, 1), moving=True), counter.weight(date(2026, 6, 10), moving=True)

    assert [round(100 * share(month), 1) for month in range(1, 13)] == list(counter.MOVES)
    assert 4 < busy / calm < 9


OPEN = [date(2026, 4, 6), date(2026, 5, 7), date(2026, 9, 24)]
CLOSED = [
    date(2026, 4, 11), date(2026, 4, 29), date(2026, 5, 6), date(2026, 1, 12), date(2026, 9, 23), date(2027, 3, 22),
    date(2026, 12, 31),
]  # fmt: skip


@pytest.mark.parametrize("day", OPEN + CLOSED)
def test_the_counter_is_closed_on_weekends_and_holidays(day):
    assert counter.is_open(day) is (day in OPEN)


def test_the_hours_and_weekdays_have_their_profile(month):
    flow = [m.at for m in month.movements if m.request["reason"] in ("TENNYU", "TENSHUTSU_TODOKE", "TENKYO", "SHIBO")]
    hours = Counter(at.hour for at in flow)

    assert set(hours) <= {*range(9, 18), 18}
    assert sum(hours[hour] for hour in range(10, 15)) / len(flow) == pytest.approx(0.70, abs=0.1)
    assert {at.weekday() for at in flow} == {0, 1, 2, 3, 4}


def test_seven_of_ten_moves_are_of_one_person_and_most_movers_are_young(month):
    arrivals = [m.request["persons"] for m in month.movements if m.request["reason"] == "TENNYU"]
    heads = [DAY.year - int(persons[0]["set"]["birth"][:4]) for persons in arrivals if "birth" in persons[0]["set"]]

    assert sum(len(persons) == 1 for persons in arrivals) / len(arrivals) == pytest.approx(0.7, abs=0.1)
    assert sum(age < 35 for age in heads) / len(heads) > 0.55


def test_a_town_and_its_month_are_the_same_in_every_process_byte_for_byte():
    code = (
        "from datetime import date; from hashlib import sha256; from pathlib import Path\n"
        "from bus.town.town import build; from bus.town.week import play\n"
        "town = build(2_500, 7, date(2026, 4, 5))\n"
        "text = town.csv(Path('schemas/layouts/mado-122.yaml')) + repr(play(town, 30))\n"
        "print(sha256(text.encode()).hexdigest())"
    )

    def digest(seed):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True)
        return done.stdout

    assert digest("1") == digest("2") != b""
