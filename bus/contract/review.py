"""What is wrong with the contracts as they stand, and whom would a change touch?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bus.contract import compose, grant
from bus.contract.compatible import Break, breaks, difference, history
from bus.contract.lint import fits, lint
from bus.contract.lock import Entry, Lock, freeze
from bus.contract.schema import ENVELOPE, LOCK, RELOCK, Contract, Contracts, Grants
from bus.errors import Misconfigured


def lock(schemas: Path, topology: Grants) -> list[Entry]:
    """Appends what the topology asks for and has no number yet."""
    before = len(Lock.read(schemas / LOCK).entries)
    contracts = Contracts.provisional(schemas, topology)
    entries = contracts.lock.entries
    entries[before:] = [freeze(schemas, entry) for entry in entries[before:]]
    for entry in entries:
        contracts.by_id(entry.id)  # each must still be what it was
    contracts.lock.write(schemas / LOCK)
    return entries[before:]


def check(contracts: Contracts, schemas: Path) -> list[Break]:
    """Numbers that are missing, schemas that changed under their number, readers that could not read."""
    known = len(Lock.read(schemas / LOCK).entries)
    found = [
        Break(e.subject, "", "", str(schemas / LOCK), f"has no number: {RELOCK}")
        for e in contracts.lock.entries[known:]
    ]
    versions: dict[str, list[tuple[str, compose.Schema]]] = {}
    for entry in contracts.lock.entries:
        try:
            made = contracts.by_id(entry.id)
        except Misconfigured as error:
            found.append(Break(entry.subject, "", f"version {entry.version}", error.where or "", error.message))
            continue
        versions.setdefault(entry.subject, []).append((f"version {entry.version}", made.schema))
    for subject, schemata in versions.items():
        found += history(subject, schemata)
    return found


def check_against(contracts: Contracts, old: Path, name: str) -> list[Break]:
    """Against the schemas of another revision: its numbers must all be there, and mean the same."""
    before, now = Lock.read(old / LOCK).entries, contracts.lock.entries
    found = [
        Break(was.subject, "now", name, LOCK, f"the line of number {was.id} was changed or removed")
        for was, entry in zip(before, [*now, *[None] * len(before)], strict=False)
        if entry is None or (was.id, was.subject, was.sha256) != (entry.id, entry.subject, entry.sha256)
    ]
    for subject, image, paths, schema in contracts.wanted():
        if not paths and (old / f"{image}.avsc").exists() and (old / ENVELOPE).exists():
            then = compose.canonical(compose.read(old / ENVELOPE), compose.read(old / f"{image}.avsc"))
            found += breaks(subject, ("now", schema), (name, then)) + breaks(subject, (name, then), ("now", schema))
    return found


def lint_all(schemas: Path) -> list[dict[str, str]]:
    """Every schema file but the locked ones, which can no longer be changed."""
    envelope = compose.read(schemas / ENVELOPE)
    shared = frozenset(kind["name"] for kind in envelope)
    found = _found(ENVELOPE, lint(envelope, known=frozenset({"Image"})))
    for path in sorted(schemas.rglob("*.avsc")):
        name = path.relative_to(schemas).as_posix()
        if path.name == ENVELOPE or name.startswith("locked/"):
            continue
        image = compose.read(path)
        found += _found(name, lint(image, known=shared))
        if not found and (why := fits(compose.canonical(envelope, image))):
            found += _found(name, [f": CODEC no reader can be generated: {why}"])
    return found


def _found(file: str, lines: list[str]) -> list[dict[str, str]]:
    rows = []
    for line in lines:
        where, _, rest = line.partition(": ")
        code, _, what = rest.partition(" ")
        rows.append({"file": file, "where": where, "code": code, "what": what})
    return rows


def find(contracts: Contracts, subject: str, version: int | None = None) -> Contract:
    """By subject or topic, with the town or without, `@VERSION` or not."""
    name, _, number = subject.partition("@")
    name = name.removeprefix(f"{contracts.topology.town}.").removesuffix("-value") + "-value"
    wanted = int(number) if number.isdigit() else version
    entries = [entry for entry in contracts.lock.of(name) if wanted in (None, entry.version)]
    if not entries:
        raise Misconfigured(
            f"there is no {subject} in {LOCK}", code="SUBJECT_UNKNOWN", hint="`bus contract show -` lists all"
        )
    return contracts.by_id(entries[-1].id)


def listed(contracts: Contracts) -> list[dict[str, Any]]:
    entries = contracts.lock.entries
    return [{"id": e.id, "subject": e.subject, "version": e.version, "fields": len(e.paths) or None} for e in entries]


def described(contract: Contract) -> dict[str, Any]:
    return {
        "id": contract.id, "subject": contract.subject, "version": contract.version, "topic": contract.topic,
        "fingerprint": contract.fingerprint.hex(), "paths": list(contract.paths), "schema": contract.schema,
    }  # fmt: skip


def diff(contracts: Contracts, a: str, b: str) -> list[dict[str, str]]:
    old, new = find(contracts, a), find(contracts, b)
    return [{"path": path, "what": what} for path, what in difference(old.image, new.image)]


def impact(contracts: Contracts, topology: Any, path: str) -> list[dict[str, str]]:
    """Who is granted this field, or a field within it."""
    rows = []
    for entity, topic in sorted(topology.topics.items()):
        image = contracts.image(topic.schema)
        asked = set(grant.granted(image, [path]))
        for name, sub in sorted(topology.subscriptions.items()):
            if entity in sub.reads:
                hit = [one for one in grant.granted(image, sub.reads[entity]) if one in asked]
                rows += [{"subscription": name, "path": one, "statute": sub.statute} for one in hit]
    return rows
