"""From a record to what is wanted of it: which plan reads it, and how does the strict reader give the same?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bus.codec import proof
from bus.codec.flat import known, pick
from bus.codec.node import PYTHON, Node, at
from bus.codec.plan import Plan
from bus.codec.strict import EPOCH
from bus.errors import Reject
from bus.event import DATA, Event

if TYPE_CHECKING:
    from bus.contract.schema import Contract

Decoder = Callable[[bytes], tuple[Any, ...]]
NOTICE = ("id", "key", "version", "recorded", "mode")
BODY = ("kind", "reason", "effective", "supersedes", "change_set", "protected")
EVENT = (
    "id",
    "key",
    "version",
    "recorded",
    "kind",
    "reason",
    "effective",
    "supersedes",
    "change_set",
    "undoes",
    "before_recorded",
)
IN_START = 2  # fields that contract.prefix holds: fingerprint and town


def notice(contract: Contract, paths: Sequence[str]) -> Decoder:
    """Of a narrowed contract: (*NOTICE, *BODY, *paths), None from the body on where there is none."""
    wanted = [*NOTICE, *(f"body.{name}" for name in BODY), *(f"body.data.{path}" for path in paths)]
    for path in wanted:
        known(contract.node, path)
    plan = _plan(contract)
    names = ", ".join(plan.var(path) for path in wanted)

    def slow(value: bytes) -> tuple[Any, ...]:
        record = contract.read(value)
        return tuple(pick(record, path) for path in wanted)

    made = plan.build(f"({names},)", slow, _contradiction(plan), IN_START)
    _prove(contract, made, slow)
    return made


def _prove(contract: Contract, plan: Callable[[bytes], Any], slow: Callable[[bytes], Any]) -> None:
    proof.proved(plan, slow, contract.samples, contract.subject)


def _plan(contract: Contract) -> Plan:
    plan = Plan(contract.node, contract.prefix)
    plan.var("incarnation")  # nobody's value, but its text is judged like any other
    return plan


def _contradiction(plan: Plan) -> str:
    return f"({plan.var('mode')} == {DATA!r}) is not {plan.var('body?')}"


def event(contract: Contract, paths: Sequence[str]) -> Decoder:
    """Of a canonical contract: (*EVENT, before, after), images as tuples of `paths`; before is None for the first."""
    for path in paths:
        known(contract.node, f"after.{path}")
    plan = _plan(contract)
    head = ", ".join(plan.var(path) for path in EVENT)
    before, after = (", ".join(plan.var(f"{image}.{path}") for path in paths) for image in ("before", "after"))
    here = plan.var("before?")

    def slow(value: bytes) -> tuple[Any, ...]:
        record = contract.read(value)
        images = [record[name] and tuple(pick(record[name], path) for path in paths) for name in ("before", "after")]
        return (*(pick(record, path) for path in EVENT), *images)

    made = plan.build(f"({head}, ({before},) if {here} else None, ({after},))", slow, skip=IN_START)
    _prove(contract, made, slow)
    return made


def whole(contract: Contract) -> Callable[[bytes], Event]:
    """The event itself, with its images as nested dicts."""
    plan = _plan(contract)
    plan.names |= {"Event": Event, "when": _when, "protected": protected, "bare": _bare}
    inner = "body." if contract.narrowed else ""
    head = {name: plan.var(name) for name in ("id", "key", "version")}
    head |= {name: plan.var(f"{inner}{name}") for name in ("kind", "reason", "effective", "supersedes", "change_set")}
    head["recorded"] = f"when({plan.var('recorded')})"
    if contract.narrowed:
        head["data"] = _nested(plan, contract.node, "body.data")
        head["protected"] = plan.var("body.protected")
        result = _call(head) + f" if {plan.var('body?')} else bare()"
        return plan.build(result, lambda value: _of_notice(contract.read(value)), _contradiction(plan), IN_START)
    head["undoes"] = f"tuple({plan.var('undoes')})"
    head["before_recorded"] = f"when({plan.var('before_recorded')})"
    head["before"] = f"{_nested(plan, contract.node, 'before')} if {plan.var('before?')} else None"
    head["data"] = _nested(plan, contract.node, "after")
    level = plan.wanted.get("after.protection.level")
    head["protected"] = f"{level} is not None" if level else "False"
    return plan.build(_call(head), lambda value: _of_record(contract.read(value)), skip=IN_START)


def _call(given: Mapping[str, str]) -> str:
    return f"Event({', '.join(f'{name}={value}' for name, value in given.items())})"


def _nested(plan: Plan, node: Node, path: str) -> str:
    inner = at(node, path)
    while inner.kind == "nullable":
        inner = inner.inner
    parts = []
    for name, field in inner.fields:
        deep = field.kind == "record" and field.name not in PYTHON
        parts.append(f"{name!r}: {_nested(plan, node, f'{path}.{name}') if deep else plan.var(f'{path}.{name}')}")
    return "{" + ", ".join(parts) + "}"


def _when(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + timedelta(microseconds=value)


def _bare() -> Event:
    raise Reject("the record has no body", code="NO_BODY", where="body")


def _of_notice(record: Mapping[str, Any]) -> Event:
    if record["body"] is None:
        return _bare()
    return Event(**{name: record[name] for name in ("id", "key", "version", "recorded")}, **record["body"])


def _of_record(record: Mapping[str, Any]) -> Event:
    same = ("id", "key", "version", "recorded", "kind", "reason", "effective", "supersedes", "change_set")
    data = record["after"]
    return Event(
        **{name: record[name] for name in (*same, "before", "before_recorded")},
        data=data, protected=protected(data), undoes=tuple(record["undoes"]),
    )  # fmt: skip


def protected(image: Mapping[str, Any]) -> bool:
    """Is the person of this image under protection (支援措置)?"""
    return (image.get("protection") or {}).get("level") is not None
