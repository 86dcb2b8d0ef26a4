"""Databases that are PostgreSQL: by its own programs, the password in their environment alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from neuronova.platform.errors import PlatformError
from neuronova.platform.postgres import CONNECT, Postgres, value


def api_database(address: str) -> Postgres:
    """Return the API's database by its address."""
    return Postgres("NEURONOVA_DATABASE_URL", address)


def dump(database: Postgres, target: Path, *, snapshot: str | None = None) -> None:
    """Write all of a database into a file, as it stands at one moment: now, or that of an exported `snapshot`.

    Raises:
        PlatformError: it cannot be read, or the programs are older than the server.
    """
    moment = [] if snapshot is None else [f"--snapshot={snapshot}"]
    _run(database, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", *moment, f"--file={target}")
    target.chmod(0o600)


def load(database: Postgres, source: Path) -> None:
    """Fill an empty database from such a file, wholly or not at all.

    Raises:
        PlatformError: it is not empty, or cannot be written.
    """
    require_empty(database)
    words = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    _run(database, "pg_restore", *words, str(source))


def require_empty(database: Postgres) -> None:
    """Raise a `PlatformError` where a database has tables."""
    found = value(
        database, "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    if found:
        raise PlatformError(f"the database of {database.setting} has {found} tables; give an empty one to restore into")


def revision(database: Postgres) -> str:
    """Return the revision of the API's tables."""
    return str(value(database, "SELECT version_num FROM alembic_version"))


def _run(database: Postgres, name: str, *words: str) -> None:
    program = shutil.which(name)
    if program is None:
        raise PlatformError(
            f"{name} is not installed; install postgresql-client, of the server's version or a newer one"
        )
    named = conninfo_to_dict(database.address, connect_timeout=CONNECT)
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
