"""Random images, events and values for properties: everything a resident's record may hold."""

from __future__ import annotations

import random
from datetime import UTC, date, timedelta
from typing import Any

from hypothesis import strategies as st

from bus.codec import text
from bus.codec.node import Node
from bus.codec.strict import EPOCH
from bus.dates import Uncertain
from bus.event import ChangeSet, Event

# Names as registers hold them: compatibility ideographs, IVS, outside the BMP, declared gaiji, full-width spaces.
LETTERS = "甲乙髙﨑神𠮷葛\U000e0100鷗　 ㈱①ｶﾞアー々〆ヶa-9'|,\ue000𠀋🏠é"
words = st.text(st.sampled_from(LETTERS), max_size=9)
anything = st.text(st.characters(codec="utf-8"), max_size=6).filter(lambda value: text.fault(value) is None)
texts = st.one_of(words, words, anything, st.text("漢", min_size=20, max_size=200))
days = st.dates(date(1850, 1, 1), date(2100, 1, 1))
uncertain = st.one_of(
    days.map(Uncertain.on),
    st.builds(Uncertain, texts, st.none() | st.dates(), st.none() | st.dates()),
)
near = st.integers(500_000_000 * 10**6, 4_000_000_000 * 10**6).map(lambda us: EPOCH + timedelta(microseconds=us))
times = near | st.datetimes(timezones=st.just(UTC))


def of(node: Node) -> st.SearchStrategy[Any]:
    """Images: most of it from a seed, because Hypothesis tires of 139 fields; a few values that it may shrink."""
    return st.builds(_seeded, st.just(node), st.integers(0, 2**32), st.lists(texts, max_size=4), st.floats(0.05, 1))


def _seeded(node: Node, seed: int, few: list[str], filled: float) -> Any:
    chance = random.Random(seed)

    def text_() -> str:
        if few and chance.random() < 0.1:
            return chance.choice(few)
        return "".join(
            chance.choices(LETTERS, k=chance.choice((0, 1, 3, 9, 21, 63, 70, 90 if chance.random() < 0.9 else 4000)))
        )

    def make(node: Node) -> Any:
        if node.kind == "record" and node.name == "Uncertain":
            day = date(1850, 1, 1) + timedelta(days=chance.randrange(90_000))
            return Uncertain.on(day) if chance.random() < 0.8 else Uncertain(text_(), chance.choice((None, day)), day)
        if node.kind == "record":
            blank = chance.random() < 0.3
            return {name: None if blank and inner.kind == "nullable" else make(inner) for name, inner in node.fields}
        if node.kind == "nullable":
            return make(node.inner) if chance.random() < filled else None
        return chance.random() < 0.5 if node.kind == "boolean" else text_()

    return make(node)


def events(image: Node) -> st.SearchStrategy[Event]:
    data, count = of(image), st.integers(0, 2**31 - 1)
    return st.builds(
        Event,
        id=words,
        kind=st.sampled_from(["REGISTER", "AMEND", "CORRECT", "ANNUL", "END"]),
        reason=words,
        key=words,
        version=st.integers(-(2**63), 2**63 - 1) | st.integers(1, 300),
        effective=uncertain,
        recorded=times,
        data=data,
        supersedes=st.none() | words,
        change_set=st.none() | st.builds(ChangeSet, words, count, count),
        before=st.none() | data,
        before_recorded=st.none() | times,
        undoes=st.lists(words, max_size=3).map(tuple),
    )
