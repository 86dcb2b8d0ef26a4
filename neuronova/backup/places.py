"""What of the data folder is in a backup, and how each part of it gets there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STAGED = "backup"  # where databases wait for restic

# Taken by restic where they lie: their files are written once and never changed.
STORAGE = "orthanc"
LIVE = (STORAGE, "models", "audit/checkpoints", "audit/removed")
# Of an index in PostgreSQL the backup has a dump, and in the file's place a list of what it names, in SQLite's tables.
INDEX = "orthanc/index"
INDEX_DUMP = "orthanc/index.dump"
INDEX_FILES = (INDEX, f"{INDEX}-wal", f"{INDEX}-shm", f"{INDEX}-journal")

# Each is older than the next, so that what one believes of the next is so: the plugin's cursors and what it has told
# the API; the API; Orthanc's index. The audit trail comes last, for it has to know of all that.
PLUGIN_DATABASES = ("journal/access.db", "journal/series.db", "journal/studies.db", "journal/encode.db")
PLUGIN_FILES = ("journal/worklist.json",)
API_DATABASE = "api/neuronova.db"
API_DUMP = "api/neuronova.dump"  # in its place where the API's database is PostgreSQL
AUDIT = "audit"
AUDIT_FOLDERS = ("audit/forwarded", "audit/cuts")
KEYS = "keys"
# Files that others refer to and that come and go: linked before the index is copied, and what is new after it.
LINKED = ("journal/received", "corrections", "jobs")
# Made anew at the next start, or of no use elsewhere: an import that is run again looks at its files anew.
LEFT_OUT = ("run", "log", "viewer", "import", STAGED)

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Staging:
    """The folder in which databases wait for restic: a mirror of the data folder with a manifest beside."""

    data: Path

    @property
    def folder(self) -> Path:
        """Where it is, in the data folder: what is copied there never leaves the disk that it may be on."""
        return self.data / STAGED

    @property
    def manifest(self) -> Path:
        """What the backup has to hold."""
        return self.folder / MANIFEST

    def of(self, place: str) -> Path:
        """Return where the copy of a part lies; its folder is there afterwards."""
        path = self.folder / place
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path
