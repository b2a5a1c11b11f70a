"""Is the judge right for every order of delivery? Its laws as properties, its table as cases."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from bus.broker import Record
from bus.connector.guard import Verdict, hopeful, judge, parking_key, settle
from bus.errors import Reject
from bus.event import BARE, DATA, REMOVED
from bus.kit.suites import bad, delivery
from bus.store import Parked, Seen

LIFE = 8


def life(removed=()):
    """A person's versions; some of them removals, the one behind each a return with a gap."""
    return [
        delivery("a", number, () if number in removed else None, mode=REMOVED if number in removed else DATA)
        for number in range(1, LIFE + 1)
    ]


def told(deliveries, batches=()):
    """The state after these deliveries, in batches, with all that a store remembers between them."""
    seen, waiting, applied, rows, letters = {}, {}, [], {}, []
    again = {one.record.value: one for one in deliveries}
    edges = [0, *sorted(batches), len(deliveries)]
    for start, end in pairwise(edges):
        outcome = settle(deliveries[start:end], seen, waiting, lambda record: again[record.value])
        seen, waiting = outcome.seen, {key: queue for key, queue in outcome.waiting.items() if queue}
        rows |= {key: kept for table in outcome.keeps.values() for key, kept in table.items()}
        letters += [append.row[0] for table in outcome.appends.values() for append in table]
        applied.append(outcome.applied)
    return seen, waiting, rows, letters


@given(st.lists(st.integers(0, LIFE - 1), max_size=40), st.sets(st.integers(1, 30)))
def test_any_order_behind_the_first_ends_in_the_state_of_the_clean_order(order, batches):
    clean = life()
    shuffled = [clean[0], *(clean[at] for at in order), *clean]

    seen, waiting, rows, letters = told(shuffled, {at for at in batches if at < len(shuffled)})

    assert (seen, waiting, rows) == told(clean)[:3]
    assert letters == [f"a-{number}" for number in range(1, LIFE + 1)]


@given(st.permutations(range(LIFE)), st.sets(st.integers(1, LIFE - 1)))
def test_no_order_whatever_applies_anything_twice_or_turns_the_clock_back(order, batches):
    clean = life()

    seen, waiting, _, letters = told([clean[at] for at in order] + clean, batches)

    assert len(letters) == len(set(letters))
    assert letters == sorted(letters)
    assert seen["a"].version == LIFE
    assert not waiting


@given(st.lists(st.tuples(st.integers(0, LIFE), st.integers(0, LIFE)), max_size=6), st.sets(st.sampled_from([3, 6])))
def test_what_is_sent_again_from_an_earlier_point_changes_nothing(spans, removed):
    clean, stream, reached = life(removed), [], 0
    for start, end in spans:
        stream += clean[min(start, reached) : end]
        reached = max(reached, end)

    assert told([*stream, *clean]) == told(clean)


@given(st.permutations(range(LIFE)), st.integers(0, LIFE - 1))
def test_nobody_passes_a_parked_version(order, poisoned):
    clean = life()
    broken = {clean[poisoned].record.value}
    deliveries = [bad(one) if one.record.value in broken else one for one in clean]

    seen, waiting, _, letters = told([deliveries[0], *(deliveries[at] for at in order), *deliveries])

    assert all(int(letter.rpartition("-")[2]) <= poisoned for letter in letters)
    assert {entry.version for entry in waiting["a"]} == set(range(poisoned + 1, LIFE + 1))
    assert (seen["a"].version if seen else 0) == poisoned


@given(st.lists(st.integers(0, 3 * LIFE - 1), min_size=1, max_size=20))
def test_the_hopeful_outcome_is_that_of_the_judge_wherever_there_is_one(order):
    lives = [delivery(key, number) for number in range(1, LIFE + 1) for key in "abc"]
    chosen = [lives[at] for at in order]

    hoped, settled = hopeful(chosen, ()), settle(chosen, {}, {})

    if hoped is not None:
        assert (hoped.seen, hoped.keeps, hoped.appends) == (settled.seen, settled.keeps, settled.appends)
        assert hoped.applied == settled.applied
    else:
        assert settled.applied.fresh < len(chosen)


SEEN = Seen(5, 50, "a-5", delivery("a", 5).digest)
CASES = {
    "the next one": (delivery("a", 6), SEEN, Verdict.FRESH),
    "anybody's first": (delivery("a", 77), None, Verdict.FRESH),
    "the same again": (delivery("a", 5), SEEN, Verdict.STALE),
    "an older one": (delivery("a", 4), SEEN, Verdict.STALE),
    "an older one that a rule refuses today": (bad(delivery("a", 4)), SEEN, Verdict.STALE),
    "the same version said later": (delivery("a", 5, id="x", recorded=99, kind="RESYNC"), SEEN, Verdict.FRESH),
    "… by the calendar": (delivery("a", 5, id="x", recorded=99, kind="CLOCK"), SEEN, Verdict.FRESH),
    "… as a removal": (delivery("a", 5, id="x", recorded=99, mode=REMOVED), SEEN, Verdict.FRESH),
    "… said earlier": (delivery("a", 5, id="x", recorded=9, kind="CLOCK"), SEEN, Verdict.STALE),
    "… by another event": (delivery("a", 5, id="x", recorded=99, kind="AMEND"), SEEN, "ID_REUSE"),
    "… at the same moment": (delivery("a", 5, id="x", kind="CLOCK"), SEEN, "ID_REUSE"),
    "the same id with other content": (delivery("a", 5, content="forged"), SEEN, "ID_REUSE"),
    "the same id in a later version": (delivery("a", 6, id="a-5", content="x"), SEEN, "ID_REUSE"),
    "a gap": (delivery("a", 7), SEEN, "GAP"),
    "a gap behind a removal": (delivery("a", 9), SEEN._replace(gone=True), Verdict.FRESH),
    "an older one behind a removal": (delivery("a", 4), SEEN._replace(gone=True), Verdict.STALE),
    "a bare gap": (delivery("a", 7, (), mode=BARE), SEEN, "GAP"),
    "version 0": (delivery("a", 0), None, "RANGE"),
    "a negative version": (delivery("a", -3), SEEN, "RANGE"),
    "a jump of millions": (delivery("a", 5_000_005), SEEN, "RANGE"),
    "beyond all versions": (delivery("a", 10**9 + 1), None, "RANGE"),
    "refused by a rule": (bad(delivery("a", 6)), SEEN, "RULE"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_table_of_verdicts(case):
    given_, seen, expected = CASES[case]

    verdict = judge(given_, seen)

    assert (verdict.code if isinstance(verdict, Reject) else verdict) == expected


def test_the_same_event_by_another_version_of_the_schema_is_no_forgery():
    newer = delivery("a", 5)
    newer.digest = b"\0\0\0\2" + newer.digest[4:]

    assert judge(newer, SEEN) is Verdict.STALE


def test_a_parked_record_that_is_sent_again_is_not_parked_twice():
    waiting = Parked("a", 1, "RULE", "t/0/1", "a-6", 6, None, delivery("a", 6).record)

    assert judge(delivery("a", 6), SEEN, [waiting]) is Verdict.STALE
    assert judge(delivery("a", 6, content="forged"), SEEN, [waiting]).code == "ID_REUSE"
    assert judge(delivery("a", 7), SEEN, [waiting]).code == "BEHIND"


@pytest.mark.parametrize(
    ("key", "code", "expected"),
    [
        (b"123456789012345", "DECODE", "123456789012345"),
        (b"123456789012345", "HEADERS", "123456789012345"),
        (b"123456789012345", "MISROUTED", "raw:313233343536373839303132333435"),
        (b"123456789012345", "KEY", "raw:313233343536373839303132333435"),
        (b"\xff\xfe", "DECODE", "raw:fffe"),
        ("山田".encode(), "DECODE", "raw:" + "山田".encode().hex()),
        (b"raw:31", "DECODE", "raw:" + b"raw:31".hex()),
        (b"", "EMPTY", "raw:"),
        (None, "EMPTY", "raw:"),
        (b"1" * 65, "DECODE", "raw:" + "31" * 64),
    ],
)
def test_whom_a_bad_record_holds_up(key, code, expected):
    assert parking_key(Record("t", 0, 0, key, b""), Reject("no", code=code)) == expected
