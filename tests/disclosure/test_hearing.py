"""Does a record say what its subscriber may hear, and nothing else?"""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from bus.contract import compose, review
from bus.contract.schema import Contracts
from bus.dates import Uncertain
from bus.disclosure.audience import audiences
from bus.disclosure.hearing import nester
from bus.disclosure.protect import DERIVED, hides, is_hidden, protects
from bus.errors import Misconfigured, Reject, Undecided
from bus.event import BARE, DATA, KINDS, REMOVED
from tests.disclosure.town import CANONICAL, CONTRACTS, ENTITY, SCHEMAS, TOWN, Person, audience, changed, image, record

CHILD, GROWN = Uncertain.on(date(2018, 4, 1)), Uncertain.on(date(1980, 4, 1))
ADDRESS = {"address__town_code": "0101", "address__lot": "12-3", "address__since": Uncertain("令和2年5月1日")}


def hear(subscription, event, **rules):
    """(mode, decoded record) of what one subscription is told."""
    listening = audience(**rules)
    (hearing,) = (one for one in listening.hearings if one.id == subscription)
    said = hearing.hear(listening.read(record(event)))
    return (None, None) if said is None else (said.mode, CONTRACTS.narrowed(subscription, ENTITY).read(said.value))


class TestTheRuleOfDecision17OnRealRecords:
    def test_the_first_version_is_data_and_holds_only_granted_fields(self):
        event = Person("P").says(image(name__full="山田", sex="1", birth=CHILD, **ADDRESS), "REGISTER")

        mode, record = hear("zei", event)

        assert mode == DATA
        assert record["body"]["data"] == {
            "is_resident": True,
            "name": {"full": "山田"},
            "birth": CHILD,
            "address": {"town_code": "0101", "lot": "12-3"},
        }
        assert record["body"]["protected"] is False
        assert (record["id"], record["key"], record["version"], record["incarnation"]) == (event.id, "P", 1, "1")

    def test_a_change_of_what_is_not_granted_is_a_bare_version(self):
        person = Person("P")
        old = image(name__full="山田", sex="1")
        person.says(old)

        mode, record = hear("zei", person.says(changed(old, sex="2")))

        assert (mode, record["body"], record["version"]) == (BARE, None, 2)

    def test_whoever_stops_concerning_a_subscription_is_removed_once_without_data(self):
        person = Person("P")
        child = image(birth=CHILD, **ADDRESS)
        person.says(child)
        mode, record = hear("shugaku", person.says(changed(child, birth=GROWN)))
        assert (mode, record["body"]) == (REMOVED, None)

        assert hear("shugaku", person.says(changed(child, birth=GROWN, sex="1"))) == (None, None)

    def test_the_image_before_is_judged_by_its_own_day(self):
        """Nobody says that a year has gone by; a rule that holds until 31 March ends at the next version."""
        until_march = lambda _image, on: on < date(2026, 4, 1)
        person = Person("P")
        person.says(image())  # recorded 1 April; the next says its image before is of that day minus nothing
        event = person.says(image(sex="1"))

        assert hear("shugaku", event, shugaku=until_march) == (None, None)
        early = event.before_recorded.replace(month=3, day=31, hour=14)  # 23:00 in Japan
        assert hear("shugaku", replace(event, before_recorded=early), shugaku=until_march)[0] == REMOVED
        midnight = early.replace(hour=15)  # 1 April in Japan
        assert hear("shugaku", replace(event, before_recorded=midnight), shugaku=until_march) == (None, None)

    @pytest.mark.parametrize("kind", ["RESYNC", "CLOCK", "IDENTITY"])
    def test_what_is_said_on_purpose_is_data_even_when_nothing_differs(self, kind):
        person = Person("P")
        person.says(image(birth=CHILD))
        event = replace(person.says(image(birth=CHILD), kind), reason="SHUGAKU")

        assert hear("shugaku", event)[0] == DATA
        assert hear("shugaku", event, shugaku=lambda *_: False) == (None, None)

    def test_a_day_of_the_calendar_is_heard_by_those_alone_who_listen_for_that_duty(self):
        person = Person("P")
        person.says(image(birth=CHILD, name__full="山田"))
        event = replace(person.says(image(birth=CHILD, name__full="山田"), "CLOCK"), reason="SHUGAKU")

        assert hear("shugaku", event)[0] == DATA
        assert hear("meibo", event) == (None, None)  # it hears of everybody, but of no duty
        assert hear("shugaku", replace(event, reason="GANJITSU")) == (None, None)

    def test_whom_only_a_day_makes_concern_a_subscription_is_heard_of_on_that_day(self):
        from_april = lambda _image, on: on >= date(2026, 4, 1)
        person = Person("P")
        quiet = person.says(image(birth=CHILD))
        quiet = replace(quiet, recorded=quiet.recorded - timedelta(days=300))
        event = _by_calendar(quiet, "SHUGAKU", datetime(2026, 3, 31, 15, tzinfo=UTC))  # 1 April, 0:00 in Japan

        assert hear("shugaku", quiet, shugaku=from_april) == (None, None)
        assert hear("shugaku", event, shugaku=from_april)[0] == DATA
        eve = replace(event, recorded=event.recorded - timedelta(microseconds=1))
        assert hear("shugaku", eve, shugaku=from_april) == (None, None)

    def test_who_came_by_the_calendar_is_removed_by_the_next_version_that_no_longer_concerns(self):
        """The image before was quiet on its own day; the duty that was heard since is no version."""
        resident_from_april = lambda image, on: image["is_resident"] and on >= date(2026, 4, 1)
        quiet = replace(Person("P").says(image()), recorded=datetime(2026, 1, 1, tzinfo=UTC))
        gone = replace(
            quiet, id=quiet.id[:-1] + "9", version=2, data=image(is_resident=False), before=quiet.data,
            before_recorded=quiet.recorded, recorded=datetime(2026, 4, 20, tzinfo=UTC),
        )  # fmt: skip

        assert hear("shugaku", gone, shugaku=resident_from_april)[0] == REMOVED
        in_march = replace(gone, recorded=datetime(2026, 3, 20, tzinfo=UTC))
        assert hear("shugaku", in_march, shugaku=resident_from_april) == (None, None)

    def test_a_duty_by_which_a_person_no_longer_concerns_removes_it(self):
        until_march = lambda _image, on: date(2026, 2, 1) <= on < date(2026, 4, 1)
        quiet = replace(Person("P").says(image()), recorded=datetime(2026, 1, 1, tzinfo=UTC))
        event = _by_calendar(quiet, "NENDOMATSU_15", datetime(2026, 3, 31, 15, tzinfo=UTC))

        mode, record = hear("shugaku", event, shugaku=until_march)

        assert (mode, record["version"], record["body"]) == (REMOVED, 1, None)
        assert hear("shugaku", replace(event, reason="GANJITSU"), shugaku=until_march) == (None, None)

    def test_an_annulment_is_heard_by_who_heard_what_it_takes_back(self):
        person = Person("P")
        person.says(image())
        event = person.says(image(), "ANNUL", supersedes="x", undoes=("address.lot", "sex"))

        assert hear("zei", event)[0] == DATA
        assert hear("meibo", event)[0] == BARE

    def test_a_rule_that_cannot_tell_counts_as_yes_and_one_that_fails_holds_the_person(self):
        def undecided(*_):
            raise Undecided("who knows")

        event = Person("P").says(image())

        assert hear("shugaku", event, shugaku=undecided)[0] == DATA
        with pytest.raises(Reject) as caught:
            hear("shugaku", event, shugaku=lambda record, _: record["name"])  # not granted
        assert caught.value.code == "RULE"
        assert "name" not in str(caught.value)

    def test_a_rule_that_is_named_and_missing_is_a_mistake_at_the_start(self):
        with pytest.raises(Misconfigured):
            audiences(TOWN, CONTRACTS, lambda *_: None)


def _by_calendar(event, duty, recorded):
    """The present version once more, as the clock says it."""
    more = {"before": event.data, "before_recorded": event.recorded, "effective": Uncertain.on(recorded.date())}
    return replace(event, id=event.id[:-1] + "f", kind="CLOCK", reason=duty, recorded=recorded, **more)


class TestProtection:
    @pytest.mark.parametrize("level", ["SHIEN", "KARI", "something new", ""])
    def test_any_level_hides_the_address_from_that_version_on(self, level):
        person = Person("P")
        open_ = image(name__full="山田", **ADDRESS)
        person.says(open_)
        mode, record = hear("zei", person.says(changed(open_, protection__level=level)))

        assert mode == DATA
        assert record["body"]["protected"] is True
        assert record["body"]["data"]["address"] == {"town_code": None, "lot": None}
        assert record["body"]["data"]["name"]["full"] == "山田"

    def test_a_subscription_with_its_own_statute_sees_all(self):
        person = Person("P")
        person.says(image(**ADDRESS))
        mode, record = hear("fukushi", person.says(image(protection__level="SHIEN", **ADDRESS)))

        assert mode == DATA
        assert record["body"]["data"]["address"]["lot"] == "12-3"

    def test_the_end_of_protection_shows_the_address_again(self):
        person = Person("P")
        person.says(image(protection__level="SHIEN", **ADDRESS))
        mode, record = hear("zei", person.says(image(**ADDRESS)))

        assert (mode, record["body"]["protected"]) == (DATA, False)
        assert record["body"]["data"]["address"]["lot"] == "12-3"

    def test_the_flag_is_heard_even_by_who_hears_no_address(self):
        person = Person("P")
        person.says(image())
        mode, record = hear("meibo", person.says(image(protection__level="KARI")))

        assert (mode, record["body"]["protected"]) == (DATA, True)

    def test_a_rule_never_sees_what_is_hidden(self):
        seen = []
        hear(
            "shugaku",
            Person("P").says(image(protection__level="SHIEN", **ADDRESS)),
            shugaku=lambda *it: seen.append(it),
        )

        ((shown, _),) = seen
        assert shown == {"birth": None, "address": {"town_code": None}, "is_resident": True}

    @pytest.mark.parametrize("broken", [{}, {"protection": None}, {"protection": {}}, {"protection": {"level": ""}}])
    def test_what_does_not_say_is_protected(self, broken):
        assert protects(broken)

    def test_everything_derived_exists_and_every_address_is_hidden(self):
        hidden = hides(CANONICAL.image)

        assert set(CANONICAL.paths) >= DERIVED
        assert {path for path in CANONICAL.paths if path.startswith(("address.", "previous."))} <= hidden
        assert is_hidden("address.since.text", hidden)
        assert not is_hidden("name.full", hidden)

    @pytest.mark.parametrize("subscription", [one for one in TOWN.subscriptions if one != "fukushi"])
    def test_a_protected_person_who_moves_looks_like_one_who_does_not(self, subscription):
        """Same number of records, modes and sizes; nothing but ids and times differs (I9)."""
        birth = CHILD
        moves, stays = Person("0001"), Person("0001")
        told = []
        for person, at in ((moves, [1, 2, 33]), (stays, [1, 1, 1])):
            sequence = []
            for index, lot in enumerate(at):
                home = image(name__full="山田", birth=birth, protection__level="SHIEN", sex=str(index))
                home = changed(
                    home,
                    address__lot=f"{lot}番地",
                    address__town_code=str(lot),
                    address__since=Uncertain(f"その{lot}"),
                    previous__lot=str(lot),
                    movement__reason_code=str(lot),
                )
                sequence.append(hear(subscription, person.says(home)))
            told.append(sequence)

        assert told[0] == told[1]
        assert [mode for mode, _ in told[0]] == [DATA, BARE, BARE]


LEAVES = st.sampled_from([path for path in CANONICAL.paths if path != "is_resident"])


@st.composite
def images(draw, mark):
    """Every cell holds a canary that names its place; some are blank."""
    blank = set(draw(st.lists(LEAVES, max_size=8)))
    made = image()
    for index, path in enumerate(CANONICAL.paths):
        if path != "is_resident" and path not in blank:
            text = f"canary{index}{mark}"
            value = Uncertain(text) if is_date(path) else text
            changed_in_place(made, path, value)
    changed_in_place(made, "protection.level", draw(st.sampled_from([None, "SHIEN", "KARI", "?"])))
    return made


def is_date(path):
    from bus.codec.node import at

    node = at(CANONICAL.node, f"after.{path}")
    return node.kind == "nullable" and node.inner.kind == "record"


def changed_in_place(target, path, value):
    from tests.disclosure.town import put

    put(target, path, value)


@settings(max_examples=60, deadline=None)
@given(images("b"), images("a"), st.sampled_from(KINDS), st.lists(LEAVES, max_size=3), st.booleans(), st.booleans())
def test_no_byte_of_what_is_not_granted_or_hidden_is_ever_written(before, after, kind, undoes, first, concerned):
    person = Person("K")
    if not first:
        person.says(before)
    event = person.says(after, kind, supersedes="an id" if undoes else None, undoes=tuple(undoes))
    listening = audience(shugaku=lambda *_: concerned)
    spoken = listening.read(record(event))

    for hearing in listening.hearings:
        said = hearing.hear(spoken)
        if said is None:
            continue
        granted = set(CONTRACTS.narrowed(hearing.id, ENTITY).paths)
        exempt = TOWN.subscriptions[hearing.id].sees_protected or after["protection"]["level"] is None
        hidden = frozenset() if exempt else hides(CANONICAL.image)
        visible = {path for path in granted if not is_hidden(path, hidden)} if said.mode == DATA else set()
        for index, path in enumerate(CANONICAL.paths):
            assert f"canary{index}b".encode() not in said.value  # the image before is nobody's
            if path not in visible:
                assert f"canary{index}a".encode() not in said.value, path


def test_compiled_code_is_only_made_of_names():
    with pytest.raises(ValueError, match="names"):
        nester(["address.lot'] or exit() #"])


def test_records_of_an_older_schema_are_read_and_what_they_lack_is_blank(tmp_path):
    """A new field, granted at once, while records without it still stand in the topic."""
    schemas, file = tmp_path / "schemas", tmp_path / "schemas" / "juki" / "resident.1.avsc"
    shutil.copytree(SCHEMAS, schemas, ignore=shutil.ignore_patterns("ids.lock", "locked"))
    review.lock(schemas, TOWN)
    old = Contracts(schemas, TOWN).canonical(ENTITY)
    text = json.loads(file.read_text(encoding="utf-8"))
    text["fields"].append({"name": "nickname", "type": ["null", "string"], "default": None})
    file.write_text(json.dumps(text), encoding="utf-8")
    compose.read.cache_clear()
    stanza = replace(TOWN.subscriptions["meibo"], reads={ENTITY: ("name.full", "nickname")})
    town = replace(TOWN, subscriptions={"meibo": stanza})
    review.lock(schemas, town)
    contracts = Contracts(schemas, town)

    listening = audiences(town, contracts, {}.get)[old.topic]
    ((_, mode, said),) = listening.tell(record(Person("P").says(image(name__full="山田")), old))

    read = contracts.narrowed("meibo", ENTITY).read(said.value)
    assert old.id != contracts.canonical(ENTITY).id
    assert (mode, read["body"]["data"]) == (DATA, {"name": {"full": "山田"}, "nickname": None})
    assert read["body"]["protected"] is False
