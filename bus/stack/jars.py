"""Which jars make a Kafka, and are these really they? The lock names each with size and SHA-256; others fail closed."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bus.errors import BusError, Unavailable

LOCK = Path(__file__).with_name("kafka.lock")
CACHE = Path.home() / ".cache" / "bus"
Repository = Callable[[], str]


class Tampered(BusError):
    """A file is not the one that was locked. Nothing of it is used."""

    code = "HASH_MISMATCH"


@dataclass(frozen=True, slots=True)
class Jar:
    coordinate: str  # group:artifact:version[:classifier]
    size: int
    sha256: str

    @property
    def name(self) -> str:
        _, artifact, version, *classifier = self.coordinate.split(":")
        return "-".join([artifact, version, *classifier]) + ".jar"

    @property
    def path(self) -> str:
        group, artifact, version, *_ = self.coordinate.split(":")
        return f"{group.replace('.', '/')}/{artifact}/{version}/{self.name}"

    def is_at(self, file: Path) -> bool:
        try:
            return file.stat().st_size == self.size and hashlib.sha256(file.read_bytes()).hexdigest() == self.sha256
        except OSError:
            return False


def locked(lock: Path = LOCK) -> list[Jar]:
    lines = (line.split() for line in lock.read_text().splitlines() if line and not line.startswith("#"))
    return [Jar(coordinate, int(size), sha256) for coordinate, size, sha256 in lines]


def fingerprint(lock: Path = LOCK) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def fetch(maven: str | None, lock: Path = LOCK, cache: Path = CACHE) -> list[Path]:
    """Every locked jar, verified, from the per-user cache or else from the repository; in the lock's order."""
    into = cache / f"kafka-{fingerprint(lock)}"
    into.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda jar: _one(jar, into, lambda: repository(maven)), locked(lock)))


def _one(jar: Jar, into: Path, where: Repository) -> Path:
    target = into / jar.name
    if jar.is_at(target):
        return target
    if target.exists():
        raise Tampered(
            f"{jar.name} in the cache is not the file that kafka.lock names",
            where=str(target),
            hint=f"somebody changed it; look into it, then delete it (rm '{target}') and run the command again",
        )
    part = into / f".{jar.name}.{os.getpid()}"
    try:
        _copy(jar, part, where)
        if not jar.is_at(part):
            raise Tampered(
                f"{jar.coordinate} is not the file that kafka.lock names",
                where=jar.path,
                hint="the repository or something on the way served another file; set BUS_MAVEN_REPOSITORY",
            )
        part.chmod(0o444)
        return part.replace(target)  # atomic: several processes may race
    finally:
        part.unlink(missing_ok=True)


def _copy(jar: Jar, part: Path, where: Repository) -> None:
    local = Path.home() / ".m2" / "repository" / jar.path
    if jar.is_at(local):
        shutil.copyfile(local, part)
        return
    url = f"{where().rstrip('/')}/{jar.path}"
    try:
        with urlopen(url, timeout=60) as source, part.open("wb") as out:  # noqa: S310 - https or file, see repository()
            shutil.copyfileobj(source, out)
    except URLError as error:
        raise Unavailable(
            f"{jar.coordinate} could not be fetched: {error.reason}",
            code="JAR_UNREACHABLE",
            hint="check HTTPS_PROXY and SSL_CERT_FILE, or set BUS_MAVEN_REPOSITORY to a mirror or a folder (file:…)",
        ) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise Unavailable(f"{jar.coordinate} could not be fetched: {error}", code="JAR_UNREACHABLE") from error


def repository(given: str | None) -> str:
    """BUS_MAVEN_REPOSITORY, else the mirror in ~/.m2/settings.xml, else the public one as Maven's own POM names it."""
    address = given or next(_mirrors(Path.home() / ".m2" / "settings.xml"), None)
    if address is None:
        from jgo.constants import MAVEN_CENTRAL_URL

        address = str(MAVEN_CENTRAL_URL)
    if not address.startswith(("https:", "file:")):
        raise Unavailable(
            "the Maven repository must be https: or file:", code="JAR_UNREACHABLE", where="BUS_MAVEN_REPOSITORY"
        )
    return address


def _mirrors(settings: Path) -> Iterator[str]:
    if not settings.is_file():
        return
    for mirror in ET.parse(settings).getroot().iter():  # noqa: S314 - the user's own file
        if mirror.tag.rpartition("}")[2] == "mirror":
            fields = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in mirror}
            if fields.get("mirrorOf") in ("central", "*"):
                yield fields["url"]
