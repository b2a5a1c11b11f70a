"""Which number does a schema have on the wire, for ever? schemas/ids.lock says, append-only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bus.errors import Misconfigured

HEAD = """\
# The number of every schema that was ever on the wire; append-only, the same in every environment.
# Written by `bus contract lock`. A narrowed schema is its image and the granted paths.
# id version sha256-of-the-parsing-canonical-form subject image[:paths]
"""


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    subject: str  # topic without the town, and "-value"
    version: int  # of the subject, from 1
    sha256: str
    image: str  # juki/resident.1@1: the first state of that file that was locked
    paths: tuple[str, ...]  # granted; none: canonical

    def line(self) -> str:
        made_of = f"{self.image}:{','.join(self.paths)}" if self.paths else self.image
        return f"{self.id} {self.version} {self.sha256} {self.subject} {made_of}"


def image_file(image: str) -> str:
    """Under schemas/: a locked state of an image has a file of its own, which never changes again."""
    return f"locked/{image}.avsc" if "@" in image else f"{image}.avsc"


class Lock:
    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: list[Entry] = list(entries)

    @classmethod
    def read(cls, path: Path) -> Lock:
        if not path.exists():
            return cls()
        entries = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line and not line.startswith("#"):
                entries.append(_entry(line, f"{path}:{number}"))
        ids = [entry.id for entry in entries]
        if ids != list(range(1, len(ids) + 1)):
            raise Misconfigured(
                "ids are not 1, 2, 3, …", code="LOCK_BROKEN", where=str(path), hint="restore it from git"
            )
        return cls(entries)

    def write(self, path: Path) -> None:
        path.write_text(HEAD + "".join(f"{entry.line()}\n" for entry in self.entries))

    def find(self, subject: str, sha256: str) -> Entry | None:
        return next((one for one in self.entries if one.subject == subject and one.sha256 == sha256), None)

    def of(self, subject: str) -> list[Entry]:
        return [one for one in self.entries if one.subject == subject]

    def add(self, subject: str, sha256: str, image: str, paths: Sequence[str]) -> Entry:
        """The entry of this schema; a new one with the next number when there is none yet."""
        known = self.find(subject, sha256)
        if known is None:
            known = Entry(len(self.entries) + 1, subject, len(self.of(subject)) + 1, sha256, image, tuple(paths))
            self.entries.append(known)
        return known


def freeze(schemas: Path, entry: Entry) -> Entry:
    """The entry made of a state that is kept; a new state is written down when the image is not as it was last time."""
    text = (schemas / image_file(entry.image)).read_text()
    kept = sorted(
        (schemas / "locked").glob(f"{entry.image}@*.avsc"), key=lambda path: int(path.stem.rpartition("@")[2])
    )
    number = len(kept)
    if not kept or kept[-1].read_text() != text:
        number += 1
        path = schemas / image_file(f"{entry.image}@{number}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return replace(entry, image=f"{entry.image}@{number}")


def _entry(line: str, where: str) -> Entry:
    try:
        number, version, sha256, subject, made_of = line.split(" ")
        image, _, paths = made_of.partition(":")
        return Entry(int(number), subject, int(version), sha256, image, tuple(paths.split(",")) if paths else ())
    except ValueError:
        raise Misconfigured(
            "not a line of this file", code="LOCK_BROKEN", where=where, hint="restore it from git"
        ) from None
