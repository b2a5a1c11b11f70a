"""Who lives together? Households of the published sizes, filled from the pyramid, so that both come out right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from bus.town import pyramid

SIZES: Final = {1: 44.0, 2: 27.5, 3: 15.0, 4: 9.6, 5: 2.9, 6: 0.7, 7: 0.3}  # % of the register's; mean 2.03
# 続柄コード1 and how it is written; a chain as 子の妻 is known by its words, for the list has one column of codes.
RELATIONS: Final = {
    "02": "世帯主", "11": "夫", "12": "妻", "13": "夫（未届）", "14": "妻（未届）", "20": "子", "51": "父", "52": "母",
    "71": "兄", "74": "弟", "81": "姉", "84": "妹", "96": "縁故者", "99": "同居人",
}  # fmt: skip
_WITH_CHILDREN: Final = {2: 0.045, 3: 0.46, 4: 0.68, 5: 0.78, 6: 0.85, 7: 0.9}  # of the households of a size; estimates
_OLDEST: Final = 106
ADULT: Final = 18


@dataclass(slots=True)
class Member:
    sex: str  # 1 男, 2 女
    age: int
    relation: str = "02"
    words: str = ""  # 続柄表記 where it is a chain
    born: date = date.min


class Pool:
    """Everybody who lives in no household yet, by sex and age."""

    def __init__(self, chance: Random, people: Iterable[tuple[str, int]]) -> None:
        self.chance = chance
        self.left = Counter(people)

    def take(self, sex: str, wanted: float, low: int, high: int) -> Member | None:
        """Of that sex, the one nearest to the wanted age within the bounds."""
        near = min(max(round(wanted), low), high)
        for far in range(_OLDEST):
            for age in (near - far, near + far):
                if low <= age <= high and self.left[sex, age]:
                    self.left[sex, age] -= 1
                    return Member(sex, age)
        return None

    def either(self, wanted: float, low: int, high: int) -> Member | None:
        first = self.chance.choice("12")
        return self.take(first, wanted, low, high) or self.take("21"[first == "2"], wanted, low, high)

    def any(self, low: int, high: int, sexes: str = "12", elder: float = 1.0) -> Member | None:
        """Anybody of these ages, as probable as there are such people; `elder` weighs those from 60."""
        cells = [(sex, age) for age in range(low, high + 1) for sex in sexes if self.left[sex, age]]
        if not cells:
            return None
        (cell,) = self.chance.choices(
            cells, weights=[self.left[cell] * (elder if cell[1] >= 60 else 1.0) for cell in cells]
        )
        self.left[cell] -= 1
        return Member(*cell)

    def back(self, *members: Member | None) -> None:
        self.left.update((member.sex, member.age) for member in members if member)

    def rest(self) -> list[Member]:
        return [Member(*cell) for cell in sorted(self.left.elements())]

    def has_minors(self) -> bool:
        return any(self.left[sex, age] for sex in "12" for age in range(ADULT))


def settle(chance: Random, size: int, day: date) -> list[list[Member]]:
    """`size` people in their households: the head first, then spouse, children by birth, others."""
    pool = Pool(chance, pyramid.people(chance, size, day))
    wanted = sizes(size)
    chance.shuffle(wanted)
    found: list[list[Member]] = []
    later: list[int] = []
    for number in wanted:
        raises = pool.has_minors() and chance.random() < _WITH_CHILDREN.get(number, 0)
        (found.append(_filled(pool, number, young=True)) if raises else later.append(number))
    several = sorted((number for number in later if number > 1), reverse=True)
    found.extend(_filled(pool, number, young=number > 2 and pool.has_minors()) for number in several)
    for single in pool.rest():
        if single.age < ADULT:  # a hamlet may have more children than families
            single.age = chance.randrange(25, 60)
        found.append([single])
    _birthdays(chance, [member for household in found for member in household], day)
    chance.shuffle(found)
    for household in found:
        if household[-1].relation in ("51", "52") and chance.random() < 0.3:
            _led_by_the_eldest(household)
    return [_in_order(household) for household in found]


def _led_by_the_eldest(household: list[Member]) -> None:
    """子, 子の妻, 子の子: who was the head's spouse or child is now a link further away."""
    eldest = household[-1]
    others = [member for member in household if member is not eldest]
    chains = {"02": "", "11": "子の夫", "12": "子の妻", "20": "子の子"}
    if all(member.relation in chains for member in others):
        for member in others:
            member.words, member.relation = chains[member.relation], "20"
        eldest.relation = "02"


def sizes(size: int) -> list[int]:
    """The sizes of the households of `size` people, by the published shares; singles make up the difference."""
    mean = sum(number * share for number, share in SIZES.items()) / 100
    counts = {number: round(size / mean * share / 100) for number, share in SIZES.items() if number > 1}
    while (over := sum(number * count for number, count in counts.items()) - size) > 0:
        number = min((n for n, count in counts.items() if count), key=lambda n: abs(n - over))
        counts[number] -= 1
    counts[1] = -over
    return [number for number in sorted(counts) for _ in range(counts[number])]


def _filled(pool: Pool, size: int, *, young: bool) -> list[Member]:
    found = (_parents_and_children(pool, size) if young else None) or _adults(pool, size)
    while len(found) < size:  # nobody fits: a relative, or a lodger
        age = found[0].age if found else 45
        one = pool.either(age + pool.chance.gauss(0, 6), ADULT, _OLDEST) or pool.either(age, 0, _OLDEST)
        if one is None:
            break
        one.relation = "02" if not found else _sibling(found[0], one) if abs(one.age - age) < 16 else "96"
        found.append(one)
    return found


def _sibling(head: Member, one: Member) -> str:
    older = one.age >= head.age
    return ("71" if older else "74") if one.sex == "1" else ("81" if older else "84")


def _parents_and_children(pool: Pool, size: int) -> list[Member] | None:
    """One or two parents with children under age, now and then with their own parents."""
    chance = pool.chance
    parents = 2 if size > 2 and chance.random() < 0.87 else 1
    elders = int(size >= 4 and chance.random() < 0.14) + int(size >= 5 and chance.random() < 0.45)
    count = max(size - parents - elders, 1)
    first = pool.any(0, ADULT - 1)
    children = [first] if first else []
    while first and len(children) < count:
        wanted = children[-1].age + chance.choice((-4, -3, -2, 2, 3, 4))
        child = pool.either(max(wanted, 0), 0, min(first.age + 9, 24))
        if child is None:
            break
        children.append(child)
    if not children:
        return None
    return _with_parents(pool, children, parents, elders)


def _with_parents(pool: Pool, children: list[Member], parents: int, elders: int) -> list[Member] | None:
    """The household of these children, the head first."""
    chance, oldest = pool.chance, max(child.age for child in children)
    middle = sum(child.age for child in children) / len(children) + chance.gauss(31.5, 4.5)
    sexes = "2" if parents == 1 and chance.random() < 0.87 else "1" if parents == 1 else "21"
    couple = [
        one for sex in sexes if (one := pool.take(sex, middle + 2 * (sex == "1"), oldest + 18, min(oldest + 48, 100)))
    ]
    if not couple:
        pool.back(*children)
        return None
    if len(couple) == 2 and chance.random() < 0.94:
        couple.reverse()
    for spouse in couple[1:]:
        spouse.relation = "12" if spouse.sex == "2" else "11"
    for child in children:
        child.relation = "20"
    return [*couple, *children, *_elders(pool, couple[0], elders)]


def _elders(pool: Pool, head: Member, count: int) -> list[Member]:
    found = []
    for sex, relation in (("2", "52"), ("1", "51"))[:count]:
        if one := pool.take(sex, head.age + pool.chance.gauss(27, 4), head.age + 18, _OLDEST):
            one.relation = relation
            found.append(one)
    return found


def _adults(pool: Pool, size: int) -> list[Member]:
    """Without children under age: couples, grown-up children with their parents, three generations' elders, others."""
    draw = pool.chance.random()
    if size == 2:
        if draw < 0.63:
            return _couple(pool, 26, 98)
        if draw < 0.86:
            return _grown_up(pool, 1, 1)
        if draw < 0.90:
            return _couple(pool, 22, 60, registered=False)
        return _housemates(pool) if draw < 0.95 else []
    if draw < 0.66:
        return _grown_up(pool, 2, size - 2)
    if draw < 0.84:
        couple = _couple(pool, 40, 68)
        return [*couple, *(_elders(pool, couple[0], 1) if couple else ())]
    return _grown_up(pool, 1, size - 1)


def _couple(pool: Pool, low: int, high: int, *, registered: bool = True) -> list[Member]:
    man = pool.any(low, high, "1", elder=2.6)
    woman = man and pool.take("2", man.age - pool.chance.gauss(2, 3), max(man.age - 14, 20), man.age + 10)
    if man is None or woman is None:
        pool.back(man)
        return []
    head, spouse = (man, woman) if pool.chance.random() < 0.93 else (woman, man)
    wife, husband = ("12", "11") if registered else ("14", "13")
    spouse.relation = wife if spouse.sex == "2" else husband
    return [head, spouse]


def _grown_up(pool: Pool, parents: int, children: int) -> list[Member]:
    """Grown-up children who live with their parents, some of them as the head."""
    chance = pool.chance
    child = pool.any(ADULT, 60, elder=2.0)
    if child is None:
        return []
    found = [child]
    while len(found) < children and (
        one := pool.either(child.age + chance.choice((-4, -3, 2, 3)), ADULT, min(child.age + 8, 60))
    ):
        found.append(one)
    household = _with_parents(pool, found, parents, 0)
    if household and parents == 1 and children == 1 and child.age >= 45 and chance.random() < 0.5:
        parent, child = household
        child.relation, parent.relation = "02", "52" if parent.sex == "2" else "51"
        return [child, parent]
    return household or []


def _housemates(pool: Pool) -> list[Member]:
    head = pool.any(20, 70)
    other = head and pool.either(head.age, 20, 75)
    if head is None or other is None:
        pool.back(head)
        return []
    other.relation = "99"
    return [head, other]


def _birthdays(chance: Random, members: Sequence[Member], day: date) -> None:
    """Spread over the year; of every age somebody has a birthday within the coming weeks."""
    by_age: dict[int, list[Member]] = {}
    for member in members:
        by_age.setdefault(member.age, []).append(member)
    for age, same in sorted(by_age.items()):
        chance.shuffle(same)
        for number, member in enumerate(same):
            ahead = 2 + chance.randrange(22) if not number else 1 + int((number + chance.random()) * 364 / len(same))
            member.born = _years_before(day + timedelta(days=ahead), age + 1, leap=chance.random() < 0.5)


def _years_before(day: date, years: int, *, leap: bool) -> date:
    if (day.month, day.day) == (2, 29) or (leap and (day.month, day.day) == (3, 1)):
        try:
            return date(day.year - years, 2, 29)
        except ValueError:
            return date(day.year - years, 3, 1)
    return day.replace(year=day.year - years)


def _in_order(household: list[Member]) -> list[Member]:
    """The order on the 住民票; now and then the oldest of three generations is the head."""
    order = {"02": 0, "11": 1, "12": 1, "13": 1, "14": 1, "20": 2}
    return sorted(household, key=lambda member: (order.get(member.relation, 3), bool(member.words), member.born))


def compose(chance: Random, day: date) -> list[Member]:
    """A household on the move: seven of ten are alone, most of them in their twenties (domain 6.3, 6.4)."""
    (size,) = chance.choices((1, 2, 3, 4), weights=(71, 18, 7, 4))
    (low,) = chance.choices(range(18, 80, 4), weights=(12, 24, 22, 15, 9, 6, 5, 4, 3, 3, 2, 2, 2, 1, 1, 1))
    head = Member("1" if chance.random() < 0.53 else "2", low + chance.randrange(4))
    found = [head]
    if size > 1 and chance.random() < 0.8:
        other = "12" if head.sex == "1" else "11"
        found.append(Member("2" if head.sex == "1" else "1", max(head.age + chance.randrange(-4, 3), 20), other))
    while len(found) < size:
        found.append(Member(chance.choice("12"), chance.randrange(max(head.age - 22, 1)), "20"))
    _birthdays(chance, found, day)
    return _in_order(found)
