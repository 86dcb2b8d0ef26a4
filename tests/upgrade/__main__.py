"""`python -m tests.upgrade DATABASE`: keep what an SQLite database has, for the versions that come after this one."""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.upgrade.kept import dumped


def main(database: Path) -> None:
    """Write the file that `test_upgrade` reads, named by the newest migration."""
    with create_engine(f"sqlite:///{database}").connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        Path(__file__).with_name(f"{version}.json.gz").write_bytes(dumped(connection))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
