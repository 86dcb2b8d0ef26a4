"""Whether a backup has every stored file that its index names; in constant memory, however many there are."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from neuronova.backup.index import attached_files

_AT_ONCE = 10_000
_NAMED = 5


class Missing(NamedTuple):
    """How many stored files are missing or of another size, and the first of them by name."""

    number: int
    names: tuple[str, ...]


def missing_files(index: Path, listed: Iterable[tuple[str, int]], scratch: Path) -> Missing:
    """Compare the files that an index names with paths and sizes that are there."""
    with tempfile.NamedTemporaryFile(dir=scratch, prefix="listed-") as file, closing(sqlite3.connect(file.name)) as db:
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("CREATE TABLE there (uuid TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID")
        db.execute("CREATE TABLE named (uuid TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID")
        _fill(db, "there", ((PurePosixPath(path).name, size) for path, size in listed))
        _fill(db, "named", ((one.uuid, one.size) for one in attached_files(index)))
        differs = "FROM named LEFT JOIN there USING (uuid) WHERE there.size IS NOT named.size"
        ((count,),) = db.execute(f"SELECT count(*) {differs}").fetchall()
        rows = db.execute(f"SELECT uuid {differs} ORDER BY uuid LIMIT ?", (_NAMED,))
        return Missing(int(count), tuple(str(uuid) for (uuid,) in rows))


def _fill(db: sqlite3.Connection, table: str, rows: Iterable[tuple[str, int]]) -> None:
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        db.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", some)  # noqa: S608 - one of two names
    db.commit()
