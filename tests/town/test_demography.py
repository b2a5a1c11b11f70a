"""Does the town have the ages, households, names and foreigners of the published tables?"""

from collections import Counter
from datetime import date, timedelta

import pytest

from bus.dates import attains
from bus.town import pyramid
from bus.town.names import GAIJI, RARE_FIRST, RARE_LAST, SELECTED
from bus.town.people import SIZES
from bus.town.town import build

DAY = date(2026, 4, 5)
SIZE = 20_000


@pytest.fixture(scope="module")
def town():
    return build(SIZE, 7, DAY)


def far(found, expected):
    """Chi-square per degree of freedom: about 1 for a draw at random, much more for another distribution."""
    scale = sum(found.values()) / sum(expected.values())
    terms = [(found[name] - share * scale) ** 2 / (share * scale) for name, share in expected.items()]
    return sum(terms) / (len(terms) - 1)


def test_ages_follow_the_pyramid_moved_on_to_the_day(town):
    men, women = pyramid.groups(DAY)
    expected = {("1", n): count for n, count in enumerate(men)} | {("2", n): count for n, count in enumerate(women)}

    found = Counter((resident.sex, min(resident.age(DAY) // 5, 20)) for resident in town.residents)

    assert far(found, expected) < 0.1


def test_the_pyramid_itself_is_the_published_one_and_ages_with_the_years():
    then, now = pyramid.groups(pyramid.TAKEN), pyramid.groups(date(2025, 1, 1))

    def share(table, low, high):
        return sum(sum(column[low:high]) for column in table) / sum(map(sum, table))

    assert [round(sum(column)) for column in then] == [60_757, 64_189]
    assert share(now, 0, 3) == pytest.approx(0.1138, abs=0.005)
    assert share(now, 13, 21) == pytest.approx(0.2958, abs=0.005)


def test_households_have_the_published_sizes(town):
    found = Counter(len(household) for household in town.households)

    assert far(found, SIZES) < 0.1
    assert len(town.residents) / len(town.households) == pytest.approx(2.03, abs=0.01)


def test_nobody_under_age_lives_alone_and_no_parent_is_a_child(town):
    for household in town.households:
        assert len(household) > 1 or household[0].age(DAY) >= 18
        for member in household:
            is_child = member.cells["household.relation"] == "子" and household[0].relation == "02"
            assert not is_child or household[0].age(DAY) - member.age(DAY) >= 17


def test_surnames_have_the_published_shares(town):
    counts = [count for _, count in Counter(h[0].family for h in town.households if not h[0].foreign).most_common()]
    total = sum(counts)

    assert counts[0] / total == pytest.approx(0.0153, rel=0.25)
    assert sum(counts[:10]) / total == pytest.approx(0.1022, rel=0.15)
    assert sum(counts[:100]) / total == pytest.approx(0.3338, rel=0.15)
    assert len(counts) > 2_000


def test_one_in_twenty_has_a_variant_and_a_few_what_no_table_knows(town):
    families = [household[0].family.text for household in town.households if not household[0].foreign]

    def share(parts):
        return sum(any(part.text in family for part in parts) for family in families) / len(families)

    assert share((*RARE_FIRST, *RARE_LAST)) == pytest.approx(0.05, abs=0.005)
    assert share(SELECTED) == pytest.approx(0.005, abs=0.001)
    assert share(GAIJI) == pytest.approx(0.001, abs=0.0005)


def test_three_in_a_hundred_are_foreigners_from_six_to_ten_nations(town):
    foreigners = [resident for resident in town.residents if resident.foreign]
    nations = Counter(resident.cells["foreign.country"] for resident in foreigners)
    ends = [resident.cells.get("foreign.expires_on") for resident in foreigners]
    month = (DAY + timedelta(days=30)).isoformat()

    assert len(foreigners) / SIZE == pytest.approx(0.03, abs=0.002)
    assert 6 <= len(nations) <= 10
    assert all(resident.cells["name.roman"].isascii() for resident in foreigners)
    assert 0 < sum(resident.full != resident.cells["name.roman"] for resident in foreigners) < len(foreigners) / 2
    assert 0 < sum("name.common" in resident.cells for resident in foreigners) < len(foreigners) / 3
    assert {r.cells["foreign.article_30_45"] for r in foreigners if "foreign.expires_on" not in r.cells} == {"1", "2"}
    assert 10 < sum(end is not None and DAY.isoformat() < end <= month for end in ends) < len(foreigners) / 8


def test_within_thirty_days_people_attain_the_ages_that_matter():
    small = build(1_000, 3, DAY)

    for age in (20, 40, 65, 75):
        assert any(DAY < attains(r.born, age) <= DAY + timedelta(days=30) for r in small.residents), age
    assert any(r.born.year == DAY.year - 6 for r in small.residents)


def test_some_birth_dates_are_known_in_part_only_and_some_adults_have_guardians(town):
    cells = [resident.cells["birth"] for resident in town.residents if resident.cells["birth"] != str(resident.born)]
    flagged = sum(resident.cells["unknown.birth"] == "1" for resident in town.residents)
    wards = [resident.age(DAY) for resident in town.residents if resident.cells["ward"] == "1"]

    assert 0.003 < flagged / SIZE < 0.005
    assert len({len(cell) for cell in cells}) >= 5
    assert any("年月日不詳" in cell for cell in cells)
    assert 20 <= len(wards) <= 30
    assert min(wards) >= 18


def test_many_old_people_share_the_address_of_a_care_home(town):
    homes = Counter(h[0].cells.get("address.building", "")[:10] for h in town.households if h[0].age(DAY) >= 80)

    assert sum(count for name, count in homes.items() if name.startswith(("特別養護", "介護老人", "サービス付"))) > 50
