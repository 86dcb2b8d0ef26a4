"""A PostgreSQL of the distribution's package, in a folder of its own, on a socket in it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def programs() -> Path:
    """Return the folder of the newest version's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, "PostgreSQL is not installed; run ./install.sh test"
    return found[-1].parent


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[str]:
    """Run a cluster for the length of a block; give the address of its database `postgres`.

    A `durable` one writes through to the disk, as PostgreSQL does by itself.
    """
    # It refuses to run as root, and a socket's path is short.
    user = pwd.getpwnam("postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    demoted = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        initdb = [programs() / "initdb", "-D", folder / "data", "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([*initdb, "--locale=C"], cwd=folder, check=True, capture_output=True, **demoted)  # type: ignore[call-overload]
        quick = () if durable else ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
        options = [word for setting in (*quick, "max_connections=200") for word in ("-c", setting)]
        server = [programs() / "postgres", "-D", folder / "data", "-k", folder, "-h", "", *options]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(server, cwd=folder, stdout=log, stderr=log, **demoted)  # type: ignore[call-overload]
        address = f"postgresql://tests@/postgres?host={folder}"
        try:
            _until_up(address, process, folder / "log")
            yield address
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _until_up(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    from tests.server import until

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            return False
        return True

    until(answers, "PostgreSQL answers")


def execute(address: str, statement: str) -> None:
    """Run a statement outside of a transaction."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())


def value(address: str, statement: str) -> object:
    """Return the first value that a query gives."""
    with psycopg.connect(address) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]
