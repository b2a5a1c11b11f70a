"""Is every jar the one that was locked?"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bus.errors import Unavailable
from bus.stack import jars
from bus.stack.jars import Tampered, fetch, locked

CONTENT = b"a jar"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A repository in a folder with one jar, and a lock that names it."""
    monkeypatch.setattr(jars.Path, "home", lambda: tmp_path / "nobody")
    jar = tmp_path / "repository" / "org" / "example" / "thing" / "1.0" / "thing-1.0.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(CONTENT)
    lock = tmp_path / "kafka.lock"
    lock.write_text(f"# comment\norg.example:thing:1.0 {len(CONTENT)} {hashlib.sha256(CONTENT).hexdigest()}\n")
    return jar, (tmp_path / "repository").as_uri(), lock, tmp_path / "cache"


def test_a_jar_comes_from_a_folder_and_is_kept_read_only(place) -> None:
    _, repository, lock, cache = place

    (found,) = fetch(repository, lock, cache)

    assert found.read_bytes() == CONTENT
    assert found.stat().st_mode & 0o222 == 0


def test_a_jar_with_another_hash_is_refused_and_not_kept(place) -> None:
    jar, repository, lock, cache = place
    jar.write_bytes(b"A jar")

    with pytest.raises(Tampered) as tampered:
        fetch(repository, lock, cache)

    assert tampered.value.code == "HASH_MISMATCH"
    assert tampered.value.exit == 1
    assert tampered.value.hint
    assert list(cache.rglob("*thing*")) == []


def test_a_cached_jar_that_was_changed_is_refused(place) -> None:
    _, repository, lock, cache = place
    (found,) = fetch(repository, lock, cache)
    found.chmod(0o644)
    found.write_bytes(b"b jar")

    with pytest.raises(Tampered) as tampered:
        fetch(repository, lock, cache)

    assert str(found) == tampered.value.where


def test_a_repository_that_is_away_says_what_to_do(place) -> None:
    jar, repository, lock, cache = place
    jar.unlink()

    with pytest.raises(Unavailable) as away:
        fetch(repository, lock, cache)

    assert away.value.exit == 6
    assert "BUS_MAVEN_REPOSITORY" in (away.value.hint or "")


def test_plain_http_is_not_taken(place) -> None:
    _, _, lock, cache = place

    with pytest.raises(Unavailable, match="https"):
        fetch("http://repository.example", lock, cache)


def test_a_mirror_in_the_users_settings_is_used(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(
        '<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0"><mirrors>'
        "<mirror><id>other</id><mirrorOf>elsewhere</mirrorOf><url>https://other.example</url></mirror>"
        "<mirror><id>m</id><mirrorOf>*</mirrorOf><url>https://mirror.example/maven</url></mirror>"
        "</mirrors></settings>"
    )
    monkeypatch.setattr(jars.Path, "home", lambda: tmp_path)

    assert jars.repository(None) == "https://mirror.example/maven"
    assert jars.repository("https://given.example") == "https://given.example"


def test_the_lock_names_kafka_and_its_log_binding_once_each() -> None:
    names = [jar.coordinate.rsplit(":", 1)[0] for jar in locked()]

    assert len(names) == len(set(names)) == 46
    assert {"org.apache.kafka:kafka_2.13", "org.apache.logging.log4j:log4j-slf4j-impl"} <= set(names)
