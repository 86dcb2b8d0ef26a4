"""The API's database where it is PostgreSQL: by its own programs, the password in their environment alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from neuronova.platform.errors import PlatformError

_CONNECT = 5  # seconds


def dump(address: str, target: Path) -> None:
    """Write all of a database into a file, as it stands at one moment.

    Raises:
        PlatformError: it cannot be read, or the programs are older than the server.
    """
    _run(address, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
    target.chmod(0o600)


def load(address: str, source: Path) -> None:
    """Fill an empty database from such a file, wholly or not at all.

    Raises:
        PlatformError: it is not empty, or cannot be written.
    """
    require_empty(address)
    _run(address, "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(source))


def require_empty(address: str) -> None:
    """Raise a `PlatformError` where a database has tables."""
    found = _value(
        address, "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    if found:
        raise PlatformError(
            f"the database of NEURONOVA_DATABASE_URL has {found} tables; give an empty one to restore into"
        )


def revision(address: str) -> str:
    """Return the revision of the API's tables."""
    return str(_value(address, "SELECT version_num FROM alembic_version"))


def _value(address: str, statement: str) -> object:
    try:
        with psycopg.connect(address, connect_timeout=_CONNECT) as connection:
            row = connection.execute(statement.encode()).fetchone()
    except psycopg.Error as error:
        raise PlatformError(f"the database of NEURONOVA_DATABASE_URL cannot be used ({type(error).__name__})") from None
    return None if row is None else row[0]


def _run(address: str, name: str, *words: str) -> None:
    program = shutil.which(name)
    if program is None:
        raise PlatformError(
            f"{name} is not installed; install postgresql-client, of the server's version or a newer one"
        )
    named = conninfo_to_dict(address)
    password = named.pop("password", None)
    secret = {} if password is None else {"PGPASSWORD": str(password)}
    done = subprocess.run(
        [program, f"--dbname={make_conninfo(**dict[str, Any](named))}", *words],
        env=dict(os.environ) | secret,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = " ".join(done.stderr.strip().splitlines()[:3])
        raise PlatformError(f"{name} failed: {said}")
