"""A department that exists in tests only: `toy` keeps loans of things, and says so in facts."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from bus.contract.schema import Contracts
from bus.fact.decide import Decided, Rules, decide
from bus.fact.reasons import reasons
from bus.fact.say import Past, Present, Say
from bus.fact.shape import FactShape
from tests.contract.towns import SCHEMAS, Topic, Town

LOAN, RECEIPT, DECISION = "toy.loan", "toy.receipt", "toy.decision"
BEGINNING = datetime(2026, 4, 1, tzinfo=UTC)
_DATE = {"type": ["null", "Uncertain"], "default": None, "doc": "A day."}
_TEXT = {"type": ["null", "string"], "default": None, "doc": "A text."}
_LONG = {"type": ["null", "long"], "default": None, "doc": "Yen."}
_ACTIVE = {"name": "active", "type": "boolean", "default": False, "doc": "Does it stand?"}
IMAGES: dict[str, dict[str, Any]] = {
    LOAN: {
        "type": "record", "name": "ToyLoan", "namespace": "jp.test.toy", "doc": "A loan.", "fields": [
            _ACTIVE,
            {"name": "person"} | _TEXT,
            {"name": "amount"} | _LONG,
            {"name": "is_free", "type": "boolean", "default": False, "doc": "Without interest?"},
            {"name": "term", "type": {"type": "record", "name": "ToyTerm", "doc": "How long.", "fields": [
                {"name": "since"} | _DATE, {"name": "until"} | _DATE]}, "doc": "How long."},
        ]},
    RECEIPT: {
        "type": "record", "name": "ToyReceipt", "namespace": "jp.test.toy", "doc": "A receipt.",
        "fields": [_ACTIVE, {"name": "person"} | _TEXT]},
    DECISION: {
        "type": "record", "name": "ToyDecision", "namespace": "jp.test.toy", "doc": "A decision.", "fields": [
            _ACTIVE, *({"name": name} | _TEXT for name in ("person", "event", "request", "state")),
            {"name": "decided_on"} | _DATE]},
}  # fmt: skip


def contracts(folder: Path) -> Contracts:
    """Provisional ones, of schemas that lie in `folder`."""
    (folder / "toy").mkdir(parents=True, exist_ok=True)
    (folder / "codes").mkdir(exist_ok=True)
    for path in ("envelope.1.avsc", "codes/fact_reason.yaml"):
        (folder / path).write_text((SCHEMAS / path).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "ids.lock").write_text("", encoding="utf-8")
    for entity, image in IMAGES.items():
        (folder / f"{entity.replace('.', '/')}.1.avsc").write_text(json.dumps(image), encoding="utf-8")
    return Contracts.provisional(
        folder, Town(topics={entity: Topic(f"{entity.replace('.', '/')}.1") for entity in IMAGES})
    )


@cache
def rules(entity: str = LOAN) -> Rules:
    return Rules(FactShape(IMAGES[entity]), reasons(SCHEMAS))


class Life:
    """One fact through its versions, without a database."""

    def __init__(self, key: str = "toy/1") -> None:
        self.key = key
        self.pasts: list[Past] = []

    @property
    def present(self) -> Present | None:
        if not self.pasts:
            return None
        return Present(len(self.pasts), self.pasts[-1].after, BEGINNING + timedelta(hours=len(self.pasts)))

    @property
    def image(self) -> dict[str, Any]:
        return dict(self.pasts[-1].after)

    def say(
        self, reason: str, supersedes: str | None = None, effective: Any = "2026-04-01", **image: Any
    ) -> str | None:
        """The id of the event, if there is one; `term__until` is the path term.until."""
        paths = {path.replace("__", "."): value for path, value in image.items()}
        decided = self.decide(Say(LOAN, self.key, reason, paths, effective, supersedes))
        return decided.event.id if decided else None

    def decide(self, say: Say) -> Decided | None:
        before, new_id = self.present, str(uuid.uuid4())
        recorded = BEGINNING + timedelta(hours=len(self.pasts) + 1)
        decided = decide(rules(), before, self.pasts, say, recorded, new_id)
        if decided is not None:
            event = decided.event
            image = before.image if before else None
            self.pasts.append(
                Past(event.id, event.kind, event.supersedes, event.effective, decided.said, image, decided.after)
            )
        return decided
