"""What is found in restored databases: each fault, once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from neuronova.backup.checking import database_faults
from neuronova.backup.index import Counts, counts_of
from neuronova.backup.manifest import Manifest
from neuronova.backup.places import INDEX
from neuronova.backup.sqlite_files import sha256_of


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index of one patient, as Orthanc has it."""
    path = tmp_path / INDEX
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE Resources (resourceType INTEGER)")
        db.execute("CREATE TABLE AttachedFiles (compressedSize INTEGER)")
        db.execute("INSERT INTO Resources VALUES (1)")
        db.commit()
    return path


def manifest(index: Path, counts: Counts) -> Manifest:
    return Manifest(
        time=0.0,
        version="1",
        revision="1",
        database="sqlite",
        checkpoint=0,
        held=0.0,
        counts=counts,
        digests={INDEX: sha256_of(index)},
    )


def test_an_index_that_is_whole_is_counted(index: Path, tmp_path: Path) -> None:
    counts = counts_of(index)
    assert list(database_faults(tmp_path, manifest(index, counts))) == []
    other = manifest(index, counts._replace(patients=2))
    assert list(database_faults(tmp_path, other)) == [f"{INDEX} counts otherwise than the manifest"]


def test_an_index_that_is_damaged_or_missing_is_not(index: Path, tmp_path: Path) -> None:
    counts = counts_of(index)
    index.write_bytes(b"no database, whatever its length is " * 100)
    (fault,) = database_faults(tmp_path, manifest(index, counts))
    assert fault == f"{INDEX}: file is not a database"
    expected = manifest(index, counts)
    index.unlink()
    assert list(database_faults(tmp_path, expected)) == [f"{INDEX} is missing"]
