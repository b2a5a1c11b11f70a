"""What does every connector owe, whoever wrote it? Properties, played on its own examples."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from bus.adapters.memory import MemoryStore
from bus.connector.manifest import Connector
from bus.contract.schema import Contracts
from bus.errors import BusError
from bus.event import RESIDENT, Event
from bus.kit.examples import Example, Stage, State, event_id, read
from bus.kit.hearing import Told
from bus.language.rules import Rule
from bus.language.words import Decide, Plan
from bus.store import Store

Open = Callable[[], Store]  # a fresh, empty store
Property = Callable[[Stage, Example, Open], list[str]]


class Verdict(NamedTuple):
    """One property of one example, or of the connector as a whole (`line` 0); `owed` is its name, a sentence."""

    line: int
    example: str
    owed: str
    differences: list[str]

    @property
    def ok(self) -> bool:
        return not self.differences


def it_does_what_the_example_says(stage: Stage, example: Example, store: Open) -> list[str]:
    return stage.differences(example, stage.play(stage.deliveries(stage.events(example)), store()))


def said_twice_from_the_start_it_changes_nothing(stage: Stage, example: Example, store: Open) -> list[str]:
    told = stage.deliveries(stage.events(example))
    return stage.differences(example, stage.play(told + told, store()))


def every_record_may_come_twice(stage: Stage, example: Example, store: Open) -> list[str]:
    told = stage.deliveries(stage.events(example))
    return stage.differences(example, stage.play([one for one in told for _ in range(2)], store()))


def an_old_record_that_comes_last_changes_nothing(stage: Stage, example: Example, store: Open) -> list[str]:
    told = stage.deliveries(stage.events(example))
    return stage.differences(example, stage.play(told + told[:1] + told[:-1], store()))


def an_annulment_restores_what_was_before(stage: Stage, example: Example, store: Open) -> list[str]:
    """Each event in turn, annulled at once: the kept rows are as before, the appended ones are taken back."""
    told = stage.events(example)
    wrong: list[str] = []
    for number, one in enumerate(told):
        if one.event.kind in ("ANNUL", "RESYNC", "CLOCK"):
            continue
        before = [*told[:number], *_again(told[:number], one)]
        undone = [*told[: number + 1], _annulment(stage, example, told[: number + 1])]
        was, now = (stage.play(stage.deliveries(said), store()) for said in (before, undone))
        wrong += [f"event {number + 1}: {what}" for what in _not_restored(stage, was, now, one.event)]
    return wrong


def a_removal_leaves_nothing_kept(stage: Stage, example: Example, store: Open) -> list[str]:
    told = stage.deliveries(stage.events(example))
    last = {one.key: one for one in told}
    gone = [stage.removal(one) for one in last.values()]
    state = stage.play([*told, *gone], store())
    kept = [table.name for table in stage.connector.tables if table.kept]
    return [f"{name}: {len(state.tables[name])} rows are left" for name in kept if state.tables[name]]


def who_is_another_one_now_is_kept_as_an_alias(stage: Stage, example: Example, store: Open) -> list[str]:
    """A merge leaves nothing under the dead key but whose it is; undone, everything is as before."""
    told = stage.events(example)
    mine = [one for one in told if one.entity == RESIDENT]
    if not mine or not stage.connector.views[RESIDENT].aliased:
        return []
    last = mine[-1].event
    merge = {"TOGO": {"identity": {"merged_into": "SURVIVOR"}}, "kind": "IDENTITY", "person": last.key}
    merged = [*told, _late(stage, example, merge, told, last)]
    undo = {"TOGO_TORIKESHI": {}, "kind": "ANNUL", "person": last.key, "supersedes": len(merged)}
    undone = [*merged, _late(stage, example, undo, merged, last)]
    was, gone, now = (
        stage.play(stage.deliveries(said), store()) for said in ([*told, *_again(told, mine[-1])], merged, undone)
    )
    wrong = [] if now.kept == was.kept else ["what was kept is not as before the merge"]
    if not any(one.key == last.key for one in stage.deliveries(merged[-1:])):
        return wrong  # nobody was told, for the person does not concern the department
    aliases = [row for row in gone.tables["bus_alias"] if row["person"] == last.key]
    under = [name for name, rows in gone.kept.items() if name != "bus_alias" and _owns(last.key, rows)]
    return wrong + ([] if aliases and not under else [f"kept under a dead key: {', '.join(under) or 'no alias'}"])


def _owns(key: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(next(iter(row.values())) == key for row in rows)


def _late(stage: Stage, example: Example, said: Mapping[str, Any], told: Sequence[Told], last: Event) -> Told:
    """One more event, on the day of the last one: age goes on while nothing happens."""
    number = len(told) + 100
    one = stage.event(replace(example, name=f"{example.name}/late"), number, said, told)
    moment = last.recorded + timedelta(seconds=len(told))
    return Told(one.entity, replace(one.event, recorded=moment))


def compiled_and_clear_say_the_same(stage: Stage, example: Example, _: Open) -> list[str]:
    wrong = []
    ears = {ear.narrowed.topic: ear for ear in stage.ears.values()}
    for one in stage.deliveries(stage.events(example)):
        if one.mode == "DATA" and one.record.value is not None and one.reject is None:
            ear = ears[one.record.topic]
            clear = stage.connector.views[ear.entity].project(ear.narrowed.decode(one.record.value))
            if (clear.changes, clear.reviews) != (one.changes, one.reviews):
                wrong.append(f"version {one.version}")
    return wrong


def rows_are_of_the_types_of_their_columns(stage: Stage, example: Example, store: Open) -> list[str]:
    state = stage.play(stage.deliveries(stage.events(example)), store())
    return [
        f"{table.name}.{column.name} is {column.type} and got {type(row[column.name]).__name__}"
        for table in stage.connector.tables
        for column in table.columns
        for row in state.tables[table.name]
        if row[column.name] is not None and type(row[column.name]).__name__ not in _PYTHON[column.type]
    ]


_PYTHON = {"text": ("str",), "bool": ("bool",), "int": ("int",), "date": ("date",), "timestamp": ("datetime",)}
PROPERTIES: tuple[Property, ...] = (
    it_does_what_the_example_says,
    said_twice_from_the_start_it_changes_nothing,
    every_record_may_come_twice,
    an_old_record_that_comes_last_changes_nothing,
    an_annulment_restores_what_was_before,
    a_removal_leaves_nothing_kept,
    who_is_another_one_now_is_kept_as_an_alias,
    compiled_and_clear_say_the_same,
    rows_are_of_the_types_of_their_columns,
)


def unread_grants(connector: Connector) -> list[str]:
    """A grant that nobody uses is a privacy finding."""
    return [
        f"{path} of {view.entity} is granted and not read"
        for view in connector.views.values()
        for path in view.reads
        if not any(used == path or used.startswith(f"{path}.") for used in view.uses)
    ]


def unheard_duties(connector: Connector, duties: Collection[str]) -> list[str]:
    """A duty of the calendar that is heard and changes nothing is a privacy finding too."""
    view = connector.views.get(RESIDENT)
    plans = view.plans if view is not None else ()
    asked = {reason for plan in plans for reason in plan.reasons}
    timed = any("on" in rule.by_name for plan in plans if plan.kept for rule in _rules_of(plan))
    return [] if timed else [f"{duty} is heard and asks for nothing" for duty in sorted(set(duties) - asked)]


def _rules_of(plan: Plan) -> list[Rule]:
    named = [plan.only_if, plan.rows, *(word.rule for word in plan.words if isinstance(word, Decide))]
    return [rule for rule in named if rule is not None]


def idle_rules(connector: Connector, stage: Stage, examples: Sequence[Example]) -> list[str]:
    """Rules that no example asks for."""
    asked: set[str] = set()

    def listening(rule: Rule) -> Rule:
        def heard(*given: Any, **named: Any) -> Any:
            asked.add(rule.name)
            return rule.function(*given, **named)

        return replace(rule, function=heard)

    heard = {name: listening(rule) for name, rule in connector.rules.items()}
    views = {
        entity: replace(
            view,
            plans=tuple(_with_rules(plan, heard) for plan in view.plans),
            concern=view.concern and heard[view.concern.name],
        )
        for entity, view in connector.views.items()
    }
    ear = Stage(replace(connector, views=views), stage.topology, stage.contracts)
    for example in examples:
        under = ear.under(example.law)
        under.deliveries(under.events(example))
    return [f"no example asks for {name}()" for name in connector.rules if name not in asked]


def _with_rules(plan: Plan, rules: Mapping[str, Rule]) -> Plan:
    return replace(
        plan,
        only_if=rules[plan.only_if.name] if plan.only_if else None,
        rows=rules[plan.rows.name] if plan.rows else None,
        words=tuple(Decide(rules[word.rule.name]) if isinstance(word, Decide) else word for word in plan.words),
    )


def report(connector: Connector, topology: Any, contracts: Contracts, store: Open = MemoryStore) -> list[Verdict]:
    """Every example against every property, and what the connector as a whole owes: `bus connector test`."""
    return list(verdicts(connector, topology, contracts, store))


def verdicts(connector: Connector, topology: Any, contracts: Contracts, store: Open) -> Iterator[Verdict]:
    stage = Stage(connector, topology, contracts)
    examples = read(connector.folder)
    for example in examples:
        for check in PROPERTIES:
            try:
                differences = check(stage.under(example.law), example, store)
            except BusError as error:
                differences = [f"{error.code}: {error.message}"]
            yield Verdict(example.line, example.name, check.__name__, differences)
    yield Verdict(0, "", "every_granted_field_is_read", unread_grants(connector))
    yield Verdict(0, "", "every_duty_heard_asks_for_something", unheard_duties(connector, stage.stanza.clock))
    yield Verdict(0, "", "every_rule_is_asked_in_an_example", idle_rules(connector, stage, examples))
    yield Verdict(0, "", "rules_are_short", long_rules(connector))


def long_rules(connector: Connector, limit: int = 15) -> list[str]:
    return [f"{rule.name}() has {rule.length} lines" for rule in connector.rules.values() if rule.length > limit]


def _annulment(stage: Stage, example: Example, told: Sequence[Told]) -> Told:
    """Of the last of these events, at once."""
    last = told[-1]
    undo = {"TORIKESHI_SHUSEI": {}, "person": last.event.key}
    if last.entity != RESIDENT:
        undo = {"TORIKESHI": {}, "of": last.entity, "key": last.event.key}
    said = undo | {"kind": "ANNUL", "supersedes": len(told)}
    undoing = stage.event(replace(example, name=f"{example.name}/undone"), len(example.events) + 1, said, told)
    at = last.event.recorded.replace(second=1)
    return Told(last.entity, replace(undoing.event, recorded=at, effective=last.event.effective))


def _again(told: Sequence[Told], one: Told) -> list[Told]:
    """The image before, said again on the day of the event: age goes on while nothing happens."""
    mine = (
        earlier.event
        for earlier in reversed(told)
        if (earlier.entity, earlier.event.key) == (one.entity, one.event.key)
    )
    last = next(mine, None)
    if last is None:
        return []
    again = replace(
        last, id=event_id(last.id, 0), kind="RESYNC", recorded=one.event.recorded, supersedes=None, undoes=(),
        before=last.data, before_recorded=last.recorded,
    )  # fmt: skip
    return [Told(one.entity, again)]


def _not_restored(stage: Stage, was: State, now: State, event: Event) -> list[str]:
    wrong = []
    plans = [plan for view in stage.connector.views.values() for plan in view.plans]
    answering = {plan.table for plan in plans if plan.reasons & {"TORIKESHI_SHUSEI", "TORIKESHI"}}
    for table in stage.connector.tables:
        before, after = was.tables[table.name], now.tables[table.name]
        if table.kept:
            wrong += [] if before == after else [f"{table.name} is not as before"]
            continue
        new = [row for row in after if row not in before]
        reviewed = (
            [(True, event.id)] if table.name in answering else []
        )  # a table that asks staff to look at annulments
        taken_back = [
            (row["kind"] == "ANNUL", row["supersedes" if row["kind"] == "ANNUL" else "event_id"]) for row in new
        ]
        if taken_back and sorted(taken_back) not in ([(False, event.id), (True, event.id)], reviewed):
            wrong.append(f"{table.name}: what was appended is not taken back")
    return wrong
