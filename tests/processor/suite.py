"""What must every notebook keep? Behaviours by name: subclass NotebookSuite and give it a fixture `open`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bus.broker import Record
from bus.dates import Uncertain
from bus.disclosure.positions import BEHIND, REPLAY, Held
from bus.errors import Fenced, Reject
from bus.event import Event
from bus.processor.fold import Spoken
from bus.processor.notebook import Standing, Turn

ME, OTHER = "processor.one", "processor.other"
PLACE = ("t", 0)


def event(key: str, version: int = 1, *, active: bool = True, id: str | None = None) -> Event:
    image = {"active": active, "household": key, "head": None, "size": 1, "members": [{"key": "甲", "relation": None}]}
    recorded = datetime(2026, 4, 1, tzinfo=UTC)
    id = id or f"00000000-0000-0000-0000-{version:012d}"
    return Event(id, "REGISTER", "KETTEI", key, version, Uncertain("x"), recorded, image)


def held(offset: int, code: str = "DECODE", key: bytes = b"p") -> Held:
    return Held(Record("t", 0, offset, key, b"\xff" * offset, (("h", b"\0"), ("empty", None)), 7), code)


class NotebookSuite:
    """`open()` gives another notebook on the same, at first empty, database; `said(notebook)` what went to its outbox.
    An event whose household is `REFUSED` must be refused by the outbox."""

    REFUSED = "refused"

    @pytest.fixture
    def book(self, open):
        made = open()
        made.prepare()
        return made

    @pytest.fixture
    def epoch(self, book):
        return book.claim(ME, "me", 10)

    def test_everything_of_a_turn_stands_after_it(self, book, epoch, open):
        turn = Turn({PLACE: 3}, {"a": {"n": [1, None, "漢"]}, "b": {}}, {"p": (2, 7)}, [event("h")], [held(1)])

        book.commit(ME, epoch, turn)

        again = open()
        assert again.offsets(ME) == {PLACE: 3}
        assert again.recall(ME, ["a", "b", "c"]) == {"a": {"n": [1, None, "漢"]}, "b": {}}
        assert again.seen(ME, ["p", "q"]) == {"p": (2, 7)}
        micros = int(event("h").recorded.timestamp() * 1_000_000)
        assert again.spoken(ME, ["h", "i"]) == {"h": Spoken(1, micros, event("h").data)}
        (waits,) = again.held(ME)
        assert (waits.record._replace(headers=()), waits.code) == (held(1).record._replace(headers=()), "DECODE")
        assert list(map(tuple, waits.record.headers)) == [("h", b"\0"), ("empty", None)]
        assert self.said(again) == ["h"]
        assert again.counts(ME) == (1, 1, 2, 1)

    def test_processors_know_nothing_of_one_another(self, book, epoch):
        book.commit(ME, epoch, Turn({PLACE: 3}, {"a": {}}, {"p": (2, 7)}, [event("h")], [held(1)]))

        assert (book.offsets(OTHER), book.recall(OTHER, ["a"]), book.seen(OTHER, ["p"])) == ({}, {}, {})
        assert (book.spoken(OTHER, ["h"]), list(book.held(OTHER)), list(book.keys(OTHER, "a"))) == ({}, [], [])
        assert book.counts(OTHER) == (0, 0, 0, 0)

    def test_what_the_outbox_refuses_leaves_no_trace_of_the_whole_turn(self, book, epoch):
        with pytest.raises(Reject):
            book.commit(ME, epoch, Turn({PLACE: 3}, {"a": {}}, {"p": (1, 1)}, [event("h"), event(self.REFUSED)]))

        assert (book.offsets(ME), book.recall(ME, ["a"]), book.seen(ME, ["p"]), book.spoken(ME, ["h"])) == ({},) * 4
        assert self.said(book) == []

    def test_only_the_owner_writes(self, book, epoch, open):
        other = open()
        assert other.claim(ME, "another", 10) is None
        book.release(ME, epoch)
        assert other.claim(ME, "another", 10) == epoch + 1

        with pytest.raises(Fenced):
            book.commit(ME, epoch, Turn({PLACE: 3}, {"a": {}}))
        with pytest.raises(Fenced):
            book.renew(ME, epoch)
        assert book.offsets(ME) == {}
        assert book.owner(ME)[:2] == ("another", epoch + 1)

    def test_later_states_replace_earlier_ones_and_none_forgets(self, book, epoch):
        book.commit(ME, epoch, Turn(states={"a": {"n": 1}, "b": {"n": 1}}, seen={"p": (1, 1)}, said=[event("h")]))
        book.commit(ME, epoch, Turn({PLACE: 1}, {"a": None, "b": {"n": 2}}, {"p": (2, 2)}))
        book.commit(ME, epoch, Turn(said=[event("h", 2), event("h", 3, active=False)]))

        assert book.recall(ME, ["a", "b"]) == {"b": {"n": 2}}
        assert book.seen(ME, ["p"]) == {"p": (2, 2)}
        assert book.spoken(ME, ["h"])["h"].version == 3
        assert self.said(book) == ["h", "h", "h"]
        assert book.counts(ME)[:2] == (1, 0)

    def test_many_keys_at_once_are_no_trouble(self, book, epoch):
        states = {f"k/{n:05d}": {"n": n} for n in range(1234)}
        book.commit(ME, epoch, Turn(states=states, seen=dict.fromkeys(states, (1, 1))))

        assert len(book.recall(ME, list(states))) == 1234
        assert len(book.seen(ME, list(states))) == 1234

    def test_keys_are_listed_by_prefix_in_pieces(self, book, epoch):
        book.commit(ME, epoch, Turn(states={key: {} for key in ("act/1", "act/2", "act/3", "act_4", "actor", "b")}))

        assert list(book.keys(ME, "act/")) == ["act/1", "act/2", "act/3"]
        assert list(book.keys(ME, "act/", "act/1", 1)) == ["act/2"]

    def test_rebuilding_forgets_the_places_and_keeps_what_is_known_and_was_said(self, book, epoch):
        book.commit(ME, epoch, Turn({PLACE: 3}, {"a": {}}, {"p": (2, 7)}, [event("h")]))

        book.rebuild(ME, epoch, {PLACE: 9})

        assert book.standing(ME) == Standing({PLACE: 9}, None)
        assert (book.offsets(ME), book.seen(ME, ["p"])) == ({}, {})
        assert book.recall(ME, ["a"]) == {"a": {}}
        assert "h" in book.spoken(ME, ["h"])
        book.commit(ME, epoch, Turn({PLACE: 1}, seen={"p": (1, 1)}))
        assert book.seen(ME, ["p"]) == {"p": (1, 1)}
        book.commit(ME, epoch, Turn(rebuilt=True))
        assert book.standing(ME) == Standing()

    def test_an_operator_asks_and_the_answer_takes_the_question_away(self, book, epoch):
        book.ask(ME, "somebody waits")
        assert book.standing(ME).asked == "somebody waits"

        book.commit(ME, epoch, Turn(released=True))

        assert book.standing(ME).asked is None

    def test_whoever_is_set_aside_waits_in_order_until_it_is_settled(self, book, epoch):
        other = held(3, key=b"q")
        book.commit(ME, epoch, Turn(held=[held(2, BEHIND), held(1), other]))
        person = held(1).person

        assert [one.record.offset for one in book.held(ME)] == [1, 2, 3]
        assert [one.record.offset for one in book.held(ME, person)] == [1, 2]
        assert not book.decide(ME, held(2).place, REPLAY, "why")
        assert book.decide(ME, held(1).place, REPLAY, "why")
        assert [one.decision for one in book.held(ME, decided=True)] == [REPLAY]
        book.commit(ME, epoch, Turn(settled=[held(1).place, held(2).place]))
        assert [one.record.offset for one in book.held(ME)] == [3]
        assert not book.decide(ME, held(1).place, REPLAY, "why")

    def test_who_is_set_aside_again_loses_the_decision(self, book, epoch):
        book.commit(ME, epoch, Turn(held=[held(1)]))
        book.decide(ME, held(1).place, REPLAY, "why")

        book.commit(ME, epoch, Turn(held=[held(1, "FOLD")]))

        assert [(one.code, one.decision) for one in book.held(ME)] == [("FOLD", None)]
