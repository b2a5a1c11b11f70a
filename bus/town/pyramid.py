"""How many men and women of which age live in a town on a day? The national table, moved on to that day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import cycle
from random import Random
from typing import Final

TAKEN: Final = date(2022, 10, 1)
# Five-year groups from 0-4 to 95-99, and 100 or more; thousands.
MEN: Final = (2174, 2535, 2720, 2830, 3216, 3295, 3300, 3668, 4028, 4792, 4756, 4036, 3684, 3665, 4405, 3151, 2392,
              1429, 560, 111, 10)  # fmt: skip
WOMEN: Final = (2073, 2413, 2588, 2682, 3047, 3118, 3146, 3544, 3918, 4671, 4680, 4038, 3761, 3870, 4932, 3878, 3350,
                2525, 1429, 449, 77)  # fmt: skip
# Who of a group is alive when it is the next one, five years later; estimates from life tables.
_MEN_LIVE: Final = (*[0.999] * 8, 0.995, 0.99, 0.985, 0.975, 0.96, 0.94, 0.90, 0.84, 0.73, 0.55, 0.33, 0.15)
_WOMEN_LIVE: Final = (*[0.999] * 8, 0.997, 0.995, 0.992, 0.988, 0.98, 0.97, 0.955, 0.92, 0.86, 0.74, 0.53, 0.30)
_BOYS, _GIRLS = 1850, 1760  # born in five years
_STEP: Final = 5 * 365.25


def groups(day: date) -> tuple[list[float], list[float]]:
    """Men and women by five-year group. A group moves one step in five years; between, part of it has moved."""
    moved = min(max((day - TAKEN).days / _STEP, 0.0), 1.0)
    return _moved(MEN, _MEN_LIVE, _BOYS, moved), _moved(WOMEN, _WOMEN_LIVE, _GIRLS, moved)


def _moved(table: tuple[int, ...], live: tuple[float, ...], born: int, moved: float) -> list[float]:
    step = [float(born), *(number * share for number, share in zip(table, live, strict=False))]
    return [old * (1 - moved) + new * moved for old, new in zip(table, step, strict=True)]


def people(chance: Random, size: int, day: date) -> Iterator[tuple[str, int]]:
    """Sex and age of `size` people: as many of each group as the table says, evenly over its five ages."""
    men, women = groups(day)
    cells = [("1", n, count) for n, count in enumerate(men)] + [("2", n, count) for n, count in enumerate(women)]
    scale = size / sum(count for *_, count in cells)
    whole = {(sex, n): int(count * scale) for sex, n, count in cells}
    rests = sorted(cells, key=lambda cell: (-(cell[2] * scale % 1), cell[:2]))
    for sex, n, _ in rests[: size - sum(whole.values())]:
        whole[sex, n] += 1
    for (sex, n), count in whole.items():
        ages = cycle(range(n * 5, n * 5 + 5))
        for _ in range(chance.randrange(5)):
            next(ages)
        for _ in range(count):
            yield sex, next(ages)
