"""Orthanc with its index on PostgreSQL: killed, all of it destroyed and restored, and what hinders it."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from neuronova.backup.backing_up import back_up, repository_of
from neuronova.backup.places import INDEX, INDEX_DUMP
from neuronova.backup.verifying import faults_of, manifest_of
from neuronova.contract.settings import Settings
from neuronova.doctor.finding import Outcome
from neuronova.doctor.index import look_at_index
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout
from neuronova.platform.orthanc_index import check_index, index_database
from neuronova.platform.postgres import Postgres
from neuronova.platform.programs import find_programs
from tests import postgres
from tests.access import http
from tests.backup.test_storage import SLICES, open_settings, restored, stored
from tests.databases import named
from tests.server import Server, running
from tests.synthetic import ct_slice, part10

_PASSWORD = "of-orthancs-index"


@pytest.fixture
def indexes(postgres_address: str) -> Iterator[tuple[str, str]]:
    """Two empty databases of a role that is nobody else's and no administrator."""
    names = ("index_from", "index_to")
    postgres.execute(postgres_address, f"CREATE ROLE orthanc LOGIN PASSWORD '{_PASSWORD}'")
    for name in names:
        postgres.execute(postgres_address, f"CREATE DATABASE {name} OWNER orthanc")
    ours = postgres_address.replace("tests@", f"orthanc:{_PASSWORD}@")
    yield named(ours, names[0]), named(ours, names[1])
    for name in names:
        postgres.execute(postgres_address, f"DROP DATABASE {name} WITH (FORCE)")
    postgres.execute(postgres_address, "DROP ROLE orthanc")


def open_index(folder: Path, template: Path, address: str) -> Settings:
    return open_settings(folder, template, NEURONOVA_ORTHANC_INDEX_URL=address)


def postgres_of(settings: Settings) -> Postgres:
    found = index_database(settings)
    assert found is not None
    return found


def attachments(server: Server) -> dict[str, str]:
    """Return the digest of each instance's HTJ2K by Orthanc's identifier."""
    found = {one: f"{server.url}/instances/{one}/attachments/htj2k/md5" for one in server.get("/instances")}
    return {one: http.get(url).text for one, url in found.items()}


def test_all_is_destroyed_and_restored(tmp_path: Path, indexes: tuple[str, str], sqlite_template: Path) -> None:
    settings = open_index(tmp_path, sqlite_template, indexes[0])
    with stored(settings) as server:
        assert server.get("/system")["DatabaseBackendPlugin"]
        before = attachments(server)
        made = back_up(settings)
        server.upload(part10(ct_slice(SLICES + 1)))  # after the backup: in no restore
        server.stop()
    assert not (settings.data / INDEX).exists()
    assert (made.manifest.index, made.manifest.counts.instances) == ("postgresql", SLICES)
    repository = repository_of(settings)
    assert list(faults_of(repository, made.snapshot, manifest_of(repository, made.snapshot))) == []
    for path in (path for path in settings.data.rglob("*") if path.is_file()):
        assert _PASSWORD.encode() not in path.read_bytes(), path

    shutil.rmtree(settings.data)
    with pytest.raises(PlatformError, match=r"NEURONOVA_ORTHANC_INDEX_URL has \d+ tables; give an empty one"):
        restored(settings, settings.data)
    with pytest.raises(PlatformError, match="index in the backup is of postgresql; set NEURONOVA_ORTHANC_INDEX_URL"):
        restored(replace(settings, orthanc_index_url=None), settings.data)
    again = replace(settings, orthanc_index_url=indexes[1])
    found = restored(again, settings.data)
    assert (found.faults, found.found) == ((), made.manifest.counts)
    assert not [place for place in (INDEX, INDEX_DUMP) if (settings.data / place).exists()]
    with running(Server(again)) as server:
        after = attachments(server)
        assert after == before
        server.upload(part10(ct_slice(SLICES + 1)))
        server.until_settled(SLICES + 1)


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path, indexes: tuple[str, str], sqlite_template: Path) -> None:
    settings = open_index(tmp_path, sqlite_template, indexes[0])
    with stored(settings) as server:
        known = set(server.get("/instances"))
        server.stop(signal.SIGKILL)
        server.start()
        assert set(server.get("/instances")) == known


def test_what_hinders_is_said_before_orthanc_starts(
    tmp_path: Path, indexes: tuple[str, str], sqlite_template: Path
) -> None:
    settings, programs = open_index(tmp_path, sqlite_template, indexes[0]), find_programs()
    layout = Layout(settings.data)
    check_index(settings, programs, layout)
    (found,) = look_at_index(postgres_of(settings))
    assert (found.outcome, found.found[:11]) == (Outcome.OK, "PostgreSQL ")
    with pytest.raises(PlatformError, match=r"PostgreSQLIndex\.so; run \./install\.sh system"):
        check_index(settings, replace(programs, plugins=tmp_path), layout)
    nowhere = replace(settings, orthanc_index_url=indexes[0].replace("index_from", "nowhere"))
    with pytest.raises(PlatformError, match="NEURONOVA_ORTHANC_INDEX_URL cannot be used") as refused:
        check_index(nowhere, programs, layout)
    (found,) = look_at_index(postgres_of(nowhere))
    assert (found.name, found.outcome) == ("Orthanc's index", Outcome.FAILED)
    assert _PASSWORD not in f"{refused.value} {found}"
    layout.index.parent.mkdir()
    layout.index.touch()
    with pytest.raises(PlatformError, match="would be out of sight"):
        check_index(settings, programs, layout)
