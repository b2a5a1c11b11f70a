"""Who lives together, and how old are they? Sizes and ages follow the national statistics."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

SIZES: Final = {1: 44.0, 2: 27.5, 3: 15.0, 4: 9.6, 5: 2.9, 6: 0.7, 7: 0.3}  # of the register; mean 2.03

# Five-year groups from 0-4 to 95-99, thousand men and women, 2022.
MEN: Final = (2174, 2535, 2720, 2830, 3216, 3295, 3300, 3668, 4028, 4792, 4756, 4036, 3684, 3665, 4405, 3151, 2392,
              1429, 560, 111)  # fmt: skip
WOMEN: Final = (2073, 2413, 2588, 2682, 3047, 3118, 3146, 3544, 3918, 4671, 4680, 4038, 3761, 3870, 4932, 3878, 3350,
                2525, 1429, 449)  # fmt: skip


class Member(NamedTuple):
    sex: str  # 1 男, 2 女
    born: date
    relation: str  # 続柄コード1


def compose(chance: Random, day: date) -> list[Member]:
    """One household: the head first, then spouse, children by birth, others (the order on the 住民票)."""
    (size,) = chance.choices(list(SIZES), weights=list(SIZES.values()))
    if size == 1:
        sex = "1" if chance.random() < 0.48 else "2"
        return [Member(sex, _born(chance, day, _age(chance, sex, 19, 99, elder=2.2)), "02")]
    if size == 2 and chance.random() < 0.65:
        return _couple(chance, day, _age(chance, "1", 27, 95, elder=2.6))
    if size <= 3 and chance.random() < 0.35:
        return _lone_parent(chance, day, size)
    return _family(chance, day, size)


def _couple(chance: Random, day: date, age: int) -> list[Member]:
    head = "1" if chance.random() < 0.9 else "2"
    other, relation = ("2", "12") if head == "1" else ("1", "11")
    spouse = max(age - round(chance.gauss(2, 3)), 20)
    return [Member(head, _born(chance, day, age), "02"), Member(other, _born(chance, day, spouse), relation)]


def _lone_parent(chance: Random, day: date, size: int) -> list[Member]:
    sex = "2" if chance.random() < 0.8 else "1"
    age = _age(chance, sex, 28, 88)
    return [Member(sex, _born(chance, day, age), "02"), *_children(chance, day, age, size - 1)]


def _family(chance: Random, day: date, size: int) -> list[Member]:
    """A couple with children; in a large household, or now and then, with the head's parents."""
    elders = 1 + (size >= 6) if size >= 5 or chance.random() < 0.08 else 0
    members = _couple(chance, day, _age(chance, "1", 27, 62))
    age = (day - members[0].born).days // 365
    members += _children(chance, day, age, size - 2 - min(elders, size - 2))
    for sex, relation in (("2", "52"), ("1", "51"))[: size - len(members)]:
        members.append(Member(sex, _born(chance, day, min(age + chance.randrange(22, 33), 101)), relation))
    return members


def _children(chance: Random, day: date, parent: int, count: int) -> list[Member]:
    oldest = max(parent - chance.randrange(25, 38), 0)
    ages = sorted((max(oldest - 3 * n - chance.randrange(0, 2), 0) for n in range(count)), reverse=True)
    found = [Member("1" if chance.random() < 0.512 else "2", _born(chance, day, age), "20") for age in ages]
    return sorted(found, key=lambda member: member.born)


def _age(chance: Random, sex: str, youngest: int, oldest: int, elder: float = 1.0) -> int:
    """After the pyramid; `elder` weighs those of 65 and more, of whom small households consist more often."""
    groups = MEN if sex == "1" else WOMEN
    weights = [groups[min(age // 5, 19)] * (elder if age >= 65 else 1.0) for age in range(youngest, oldest + 1)]
    return chance.choices(range(youngest, oldest + 1), weights=weights)[0]


def _born(chance: Random, day: date, age: int) -> date:
    """A birthday such that `age` is the age on `day`."""
    return date(day.year - age, day.month, min(day.day, 28)) - timedelta(days=chance.randrange(0, 365))
