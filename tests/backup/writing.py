"""A process that writes a database as Orthanc does: with SQLite's exclusive lock, in WAL mode, as long as it runs.

Each transaction adds a row to `one` and to `two`, so that a copy of a single moment has as many of the one as of the
other. What it was started with is the file; after each hundred rows it prints how many there are.
"""

from __future__ import annotations

import sqlite3
import sys
from itertools import count


def write(path: str) -> None:
    """Write until it is ended."""
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous=NORMAL", "journal_mode=WAL", "locking_mode=EXCLUSIVE", "wal_autocheckpoint=20"):
        db.execute(f"PRAGMA {pragma}")
    for table in ("one", "two"):
        db.execute(f"CREATE TABLE {table} (number INTEGER PRIMARY KEY, filling BLOB)")
    for number in count():
        db.execute("BEGIN")
        db.execute("INSERT INTO one VALUES (?, randomblob(2000))", (number,))
        db.execute("INSERT INTO two VALUES (?, randomblob(200))", (number,))
        db.execute("COMMIT")
        if number % 100 == 0:
            print(number, flush=True)


if __name__ == "__main__":
    write(sys.argv[1])
