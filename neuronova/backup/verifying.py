"""`neuronova backup verify`: the repository itself, and whether a backup holds what its manifest says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from neuronova.backup.checking import database_faults
from neuronova.backup.manifest import Manifest, read_manifest
from neuronova.backup.places import INDEX, MANIFEST, STAGED, STORAGE
from neuronova.backup.restic import Repository
from neuronova.backup.storage import missing_files


def manifest_of(repository: Repository, snapshot: str) -> Manifest:
    """Read the manifest of a backup."""
    return read_manifest(repository.content(snapshot, f"{STAGED}/{MANIFEST}"))


def faults_of(repository: Repository, snapshot: str, manifest: Manifest) -> Iterator[str]:
    """Yield what is wrong with a backup: its databases are fetched and looked into, stored files listed."""
    with tempfile.TemporaryDirectory(prefix="neuronova-verify-") as scratch:
        folder = Path(scratch)
        repository.restore(snapshot, folder, STAGED)
        yield from database_faults(folder / STAGED, manifest)
        if (folder / STAGED / INDEX).is_file():
            listed = repository.files(snapshot, STORAGE)
            missing = missing_files(folder / STAGED / INDEX, listed, folder)
            if missing.number:
                yield f"{missing.number} stored files are missing or of another size ({', '.join(missing.names)})"
