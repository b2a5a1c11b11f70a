"""Which record does one subscription get for one canonical event? Pure; compiled once per subscription and entity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from bus.contract.schema import Contract, micros
from bus.dates import day
from bus.disclosure.decision import NOBODY, Side, mode, touches
from bus.disclosure.protect import hides, is_hidden, is_protected
from bus.disclosure.purpose import Stanza
from bus.errors import BusError, Reject, Undecided
from bus.event import DATA

Image = Mapping[str, Any]
Rule = Callable[[Image, date], bool]  # gets the granted fields as the subscription may see them, and the day


class Said(NamedTuple):
    """What the subscription is to be told."""

    mode: str
    value: bytes


class Hearing:
    """One subscription's ear for one entity."""

    def __init__(self, stanza: Stanza, contract: Contract, image: dict[str, Any], rule: Rule | None) -> None:
        """`contract`: the narrowed one; `image`: the schema of the whole image; `rule`: `concerns`, None: all."""
        self.id = stanza.id
        self.topic = contract.topic
        self.contract = contract
        self._rule = rule
        self._paths = contract.paths
        self._pick = picker(self._paths)
        hidden = frozenset() if stanza.sees_protected else hides(image)
        self._hidden = tuple(index for index, path in enumerate(self._paths) if is_hidden(path, hidden))
        self._open_paths = tuple(path for path in self._paths if not is_hidden(path, hidden))

    def hear(self, event: Mapping[str, Any]) -> Said | None:
        """`event`: a canonical record as its schema nests it (Contract.read). Raises Reject when the rule fails."""
        after = self.side(event["after"], event["recorded"])
        before = NOBODY if event["before"] is None else self.side(event["before"], event["before_recorded"])
        said = mode(event["kind"], before, after, undone=self._undone(event, after))
        return None if said is None else Said(said, self._encode(event, said, after))

    def side(self, image: Image, recorded: datetime | None) -> Side:
        protected = is_protected(image)
        visible = self._pick(image)
        if protected and self._hidden:
            masked = list(visible)
            for index in self._hidden:
                masked[index] = None
            visible = tuple(masked)
        return Side(self._rule is None or self._concerns(self._rule, visible, recorded), protected, visible)

    def _concerns(self, rule: Rule, visible: Sequence[Any], recorded: datetime | None) -> bool:
        """Undecided counts as yes: the department then decides, which it cannot about what it does not hear."""
        if recorded is None:
            raise Reject("an image before without the time it was recorded", code="DECODE", where="before_recorded")
        try:
            return bool(rule(nest(self._paths, visible), day(recorded)))
        except Undecided:
            return True
        except BusError as error:
            raise Reject(f"the concerns rule of {self.id} refuses: {error.code}", code="RULE") from None
        except Exception as error:  # noqa: BLE001  # a rule is a department's code: whatever it does is this event's fault
            raise Reject(f"the concerns rule of {self.id} fails: {type(error).__name__}", code="RULE") from None

    def _undone(self, event: Mapping[str, Any], after: Side) -> bool:
        if event["supersedes"] is None or not event["undoes"]:
            return False
        return touches(self._open_paths if after.protected else self._paths, event["undoes"])

    def _encode(self, event: Mapping[str, Any], said: str, after: Side) -> bytes:
        body: tuple[Any, ...] | None = None
        if said == DATA:
            change_set = event["change_set"]
            body = (
                event["kind"],
                event["reason"],
                event["effective"],
                event["supersedes"],
                change_set,
                after.protected,
            )
        recorded = micros(event["recorded"])
        values = after.visible if body else ()
        head = (event["id"], event["key"], event["version"], recorded)
        return self.contract.encode_narrowed(*head, said, body, values, incarnation=event["incarnation"])


def picker(paths: Sequence[str]) -> Callable[[Image], tuple[Any, ...]]:
    """Compiled: (image["name"]["full"], image["birth"], …). A group is never blank: every one is there."""
    if not all(part.isidentifier() for path in paths for part in path.split(".")):
        raise ValueError("a path is not made of names")
    reads = ("image" + "".join(f"[{part!r}]" for part in path.split(".")) for path in paths)
    pick: Callable[[Image], tuple[Any, ...]] = eval(f"lambda image: ({', '.join(reads)},)")  # noqa: S307  # names, see above
    return pick


def nest(paths: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """The granted part of an image, nested as the image is."""
    image: dict[str, Any] = {}
    for path, value in zip(paths, values, strict=True):
        *groups, leaf = path.split(".")
        inner = image
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[leaf] = value
    return image
