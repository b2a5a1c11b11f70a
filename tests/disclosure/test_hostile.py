"""What becomes of records that nobody of ours wrote, and of their persons?"""

import pytest

from bus.broker import Message, Record
from bus.disclosure.projector import MANY, NAME, run
from bus.errors import BusError
from bus.event import DATA
from tests.disclosure.scene import TOPIC, life, make, told


def without(message, name):
    return message._replace(headers=[one for one in message.headers if one[0] != name])


def resaid(message, value):
    """Other bytes, with the digest they should have."""
    from hashlib import sha256

    headers = [(name, sha256(value or b"").digest() if name == "bus-sha256" else old) for name, old in message.headers]
    return message._replace(value=value, headers=headers)


HOSTILE = {
    "no value": (lambda m: m._replace(value=None), "EMPTY"),
    "empty": (lambda m: resaid(m, b""), "EMPTY"),
    "not framed": (lambda m: resaid(m, b"\x01abcdefgh"), "FRAMING"),
    "four bytes": (lambda m: resaid(m, m.value[:4]), "FRAMING"),
    "an unknown schema": (lambda m: resaid(m, b"\0\0\0\x7f\x7f" + m.value[5:]), "SCHEMA_UNKNOWN"),
    "another fingerprint": (lambda m: resaid(m, m.value[:5] + bytes(8) + m.value[13:]), "FINGERPRINT"),
    "cut off": (lambda m: resaid(m, m.value[:-7]), "DECODE"),
    "with a tail": (lambda m: resaid(m, m.value + b"\0"), "NON_CANONICAL"),
    "another town": (lambda m: resaid(m, m.value.replace(b"999999", b"131016", 1)), "MISROUTED"),
    "no digest": (lambda m: without(m, "bus-sha256"), "DIGEST"),
    "another digest": (lambda m: m._replace(value=m.value[:-1] + b"\x02"), "DIGEST"),
    "a header twice": (lambda m: m._replace(headers=[*m.headers, m.headers[0]]), "HEADERS"),
    "a flood of headers": (lambda m: m._replace(headers=[*m.headers, *((f"h{n}", b"") for n in range(99))]), "HEADERS"),
    "another key": (lambda m: m._replace(value=life("Z", 1, 3)[1].value, headers=life("Z", 1, 3)[1].headers), "KEY"),
    "noise": (lambda m: m._replace(value=bytes(range(256)), headers=()), "SCHEMA_UNKNOWN"),
}


class TestHostileRecords:
    @pytest.mark.parametrize("case", HOSTILE)
    def test_each_holds_its_person_with_all_that_follows_and_nobody_else(
        self, broker, positions, projector, case, capsys
    ):
        spoil, code = HOSTILE[case]
        first, second, third = life("A", 1)
        broker.publish([first, spoil(second), *life("B", 2), third, *life("C", 3, partition=1)])

        run(projector, until_idle=True)

        assert told(broker) == [("A", 1, DATA), *((key, n, DATA) for key in "BC" for n in (1, 2, 3))]
        assert [(one.place[2], one.code) for one in positions.held()] == [(1, code), (5, "BEHIND")]
        assert positions.waiting() == [((TOPIC, 0, b"A"), 2)]
        assert "A1" not in capsys.readouterr().err

    @pytest.mark.parametrize("key", [None, b"", b"\xff\x00", b"x" * 5000])
    def test_a_record_of_nobody_is_set_aside(self, broker, positions, projector, key):
        broker.logs[TOPIC, 0].append(Record(TOPIC, 0, 0, key, b"\0"))  # no client of ours would write it
        broker.publish(life("A"))

        run(projector, until_idle=True)

        assert told(broker) == [("A", n, DATA) for n in (1, 2, 3)]
        assert len(positions.held()) == 1

    def test_a_rule_that_fails_holds_the_person_for_everybody(self, broker, positions):
        def breaks(record, _):
            return 1 / (record["birth"] is not None)

        broker.publish(life("A"))
        run(make(broker, positions, shugaku=breaks), until_idle=True)

        assert told(broker) == []
        assert [one.code for one in positions.held()] == ["RULE", "BEHIND", "BEHIND"]

    def test_what_is_held_survives_a_restart(self, broker, positions, projector):
        first, second, third = life("A")
        broker.publish([first._replace(value=b"")])
        run(projector, until_idle=True)
        projector.close()
        broker.publish([second, third, *life("B", 2)])

        run(make(broker, positions), until_idle=True)

        assert told(broker) == [("B", n, DATA) for n in (1, 2, 3)]
        assert positions.waiting() == [((TOPIC, 0, b"A"), 3)]

    def test_many_persons_in_a_row_stop_the_projector_and_nothing_is_marked(self, broker, positions, projector):
        broker.publish([Message(TOPIC, f"{n}".encode(), b"", (), 0) for n in range(MANY)])

        with pytest.raises(BusError) as caught:
            projector.step()

        assert caught.value.code == "MANY_HELD"
        assert positions.offsets(NAME) == {}
        assert positions.held() == []
