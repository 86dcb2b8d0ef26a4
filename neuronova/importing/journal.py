"""What an import has done with each file: what it goes on from after any interruption."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from neuronova.importing.outcome import DONE, Outcome, Result
from neuronova.importing.places import Place
from neuronova.platform.errors import PlatformError

SCHEMA_VERSION = 1
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS file (
    key BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, run INTEGER NOT NULL,
    outcome TEXT NOT NULL, reason TEXT NOT NULL, digest TEXT NOT NULL, instance TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_instance ON file (instance, digest);
CREATE INDEX IF NOT EXISTS file_run ON file (run);
PRAGMA user_version = {SCHEMA_VERSION};
"""


def journal_path(data: Path, roots: Sequence[Path], issuer: str | None) -> Path:
    """Return the file of the journal for these roots below `NEURONOVA_DATA`: the same roots go on with the same."""
    named = b"\0".join([*sorted(map(os.fsencode, roots)), (issuer or "").encode()])
    return data / "import" / f"{hashlib.sha256(named).hexdigest()[:32]}.db"


class Journal:
    """One import's file, of which one process at a time has it; its threads share it.

    What is noted is on disk with the next `save`: a file that was stored and not yet saved is looked at once more.
    """

    def __init__(self, path: Path) -> None:
        """Open a journal and begin a run.

        Raises:
            PlatformError: another process has it, or it cannot be read.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.Lock()
        self._held = _hold(path.with_suffix(".lock"))
        try:
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version not in (0, SCHEMA_VERSION):
                raise PlatformError(f"{path} is of another release (version {version}); remove it to begin anew")
            self._db.executescript(_SCHEMA)
            (last,) = self._db.execute("SELECT coalesce(max(run), 0) FROM file").fetchone()
            self._db.execute("BEGIN")
        except sqlite3.Error as error:
            os.close(self._held)
            raise PlatformError(f"{path} cannot be used: {error}; remove it to begin anew") from None
        self.run = int(last) + 1

    def close(self) -> None:
        """Save, and let another process have it."""
        with self._lock:
            self._db.execute("COMMIT")
            self._db.close()
            os.close(self._held)

    def save(self) -> None:
        """Write down what was noted."""
        with self._lock:
            self._db.execute("COMMIT")
            self._db.execute("BEGIN")

    def done_before(self, place: Place) -> Result | None:
        """Return what became of a file that has not changed since, None where it is to be looked at; it is noted."""
        with self._lock:
            row = self._db.execute(
                "SELECT outcome, reason, digest, instance FROM file WHERE key = ? AND size = ? AND modified = ?",
                (place.key, place.size, place.modified),
            ).fetchone()
            if row is None or Outcome(row[0]) not in DONE:
                return None
            self._db.execute("UPDATE file SET run = ? WHERE key = ?", (self.run, place.key))
        outcome, reason, digest, instance = row
        return Result(outcome=Outcome(outcome), reason=reason, digest=digest, instance=instance, size=place.size)

    def note(self, place: Place, result: Result) -> None:
        """Note what became of a file."""
        row = (place.key, place.size, place.modified, self.run)
        more = (result.outcome.value, result.reason, result.digest, result.instance)
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, *more))

    def is_stored(self, instance: str, digest: str) -> bool:
        """Tell whether a file of this run has the very same bytes and SOPInstanceUID, stored in this run or before."""
        with self._lock:
            found = self._db.execute(
                "SELECT 1 FROM file WHERE instance = ? AND digest = ? AND outcome = ? AND run = ?",
                (instance, digest, Outcome.STORED.value, self.run),
            ).fetchone()
        return found is not None

    def rows(self) -> Iterator[tuple[bytes, Result]]:
        """Yield what became of every file of this run, in the order of their names."""
        with self._lock:
            found = self._db.execute(
                "SELECT key, outcome, reason, digest, instance, size FROM file WHERE run = ? ORDER BY key", (self.run,)
            )
            for key, outcome, reason, digest, instance, size in found:
                made = Result(outcome=Outcome(outcome), reason=reason, digest=digest, instance=instance, size=size)
                yield key, made


def _hold(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise PlatformError("these files are being imported already, by another process") from None
    return descriptor
