"""Stored files that go while they are copied, or that are damaged; by an Orthanc and both databases of the API."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cdss_api.database import is_known
from neuronova.backup.backing_up import Backup, back_up, only_backup, repository_of
from neuronova.backup.index import attached_files, copy_index, counts_of, path_of
from neuronova.backup.places import INDEX
from neuronova.backup.restoring import Restored, restore
from neuronova.backup.sqlite_files import faults_of as sqlite_faults
from neuronova.backup.verifying import faults_of, manifest_of
from neuronova.contract.settings import Settings
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout
from neuronova.platform.preflight import prepare_data_folder
from tests import postgres
from tests.access import http
from tests.backup.repositories import PASSWORD
from tests.databases import named
from tests.server import Server, running, settings_for, until
from tests.synthetic import ct_slice, part10

SLICES = 6


def open_settings(folder: Path, template: Path, **more: str) -> Settings:
    """Return settings of a platform whose API has its tables, and whose backups have a place."""
    ours = {"NEURONOVA_BACKUP_REPOSITORY": str(folder / "backups"), "NEURONOVA_BACKUP_PASSWORD": PASSWORD}
    settings = settings_for(folder / "data", **ours, **more)
    if settings.database_url is None:
        (settings.data / "api").mkdir(parents=True)
        shutil.copy(template, settings.data / "api")
    repository_of(settings).make()
    return settings


@contextmanager
def stored(settings: Settings) -> Iterator[Server]:
    """Run an Orthanc with a few slices, all encoded."""
    with running(Server(settings)) as server:
        for number in range(1, SLICES + 1):
            server.upload(part10(ct_slice(number)))
        server.until_settled(SLICES)
        yield server


def restored(settings: Settings, target: Path, name: str = "latest") -> Restored:
    sizes: list[int] = []
    found = restore(settings, name, target, lambda _name, _total: None, sizes.append)
    assert sum(sizes) == found.found.bytes or found.faults
    return found


def one_file(settings: Settings) -> Path:
    """Return a stored file."""
    shutil.copy(settings.data / INDEX, settings.data / "run" / "index")
    name = next(attached_files(settings.data / "run" / "index"))
    return path_of(settings.data / "orthanc", name.uuid)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> tuple[Settings, Backup]:
    """A platform that has ended, and a backup that was made while a study went."""
    settings = open_settings(tmp_path_factory.mktemp("ended"), sqlite_template)
    rounds: list[int] = []
    with stored(settings) as server:
        (first, *_) = server.get("/instances")

        def delete(number: int) -> None:
            rounds.append(number)
            if number == 1:
                http.delete(f"{server.url}/instances/{first}").raise_for_status()

        made = back_up(settings, staged=delete)
        server.stop()
    assert rounds == [1, 2]
    return settings, made


def test_what_goes_between_index_and_storage_leads_to_another_round(
    ended: tuple[Settings, Backup], tmp_path: Path
) -> None:
    settings, made = ended
    assert (made.rounds, made.damaged, made.manifest.counts.instances) == (2, 0, SLICES - 1)
    found = restored(settings, tmp_path / "data")
    assert found.faults == ()
    assert found.found == made.manifest.counts


def test_a_damaged_stored_file_is_told_and_all_else_is_backed_up(
    ended: tuple[Settings, Backup], tmp_path: Path
) -> None:
    settings = ended[0]
    lost = one_file(settings)
    kept = lost.read_bytes()
    try:
        lost.unlink()
        made = back_up(settings)
        assert (made.damaged, made.damaged_names) == (1, (lost.name,))
        found = restored(settings, tmp_path / "data")
        assert found.faults == (f"stored file {lost.name}: No such file or directory",)
        with pytest.raises(PlatformError, match="not wholly restored"):
            prepare_data_folder(Layout(tmp_path / "data"))
    finally:
        lost.write_bytes(kept)


def test_other_bytes_of_the_same_length_are_found_by_their_digest(
    ended: tuple[Settings, Backup], tmp_path: Path
) -> None:
    settings = ended[0]
    changed = one_file(settings)
    kept = changed.read_bytes()
    try:
        changed.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        assert back_up(settings).damaged == 0  # by its size nothing is wrong
        found = restored(settings, tmp_path / "data")
        assert found.faults == (f"stored file {changed.name} has other bytes than were stored",)
    finally:
        changed.write_bytes(kept)


def test_a_backup_whose_databases_are_others_is_found(ended: tuple[Settings, Backup]) -> None:
    settings, made = ended
    repository = repository_of(settings)
    manifest = manifest_of(repository, made.snapshot)
    assert list(faults_of(repository, made.snapshot, manifest)) == []
    other = replace(manifest, digests=dict(manifest.digests) | {INDEX: "0" * 64})
    assert list(faults_of(repository, made.snapshot, other)) == [f"{INDEX} is not what was backed up"]


def test_the_index_of_an_orthanc_that_stores_is_copied_while_it_is_held(server: Server, tmp_path: Path) -> None:
    over, stored = threading.Event(), list[str]()

    def send() -> None:
        while not over.is_set():
            stored.append(server.upload(part10(ct_slice(len(stored) + 1))))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for number in range(6):
            until(lambda: len(stored) > 4 * number, "some more are stored")  # noqa: B023 - asked at once
            acknowledged = len(stored)
            copy = tmp_path / f"index-{number}"
            assert copy_index(server.settings.data / INDEX, copy, attempts=0) > 0
            assert sqlite_faults(copy) == []
            assert counts_of(copy).instances >= acknowledged
    finally:
        over.set()
        sender.join()
    assert set(server.get("/instances")) == set(stored)


def test_two_backups_at_once_are_refused(ended: tuple[Settings, Backup]) -> None:
    settings = ended[0]
    with only_backup(settings.data), pytest.raises(PlatformError, match="another backup"):
        back_up(settings)


def test_a_backup_of_another_kind_of_database_is_refused(ended: tuple[Settings, Backup], tmp_path: Path) -> None:
    settings = ended[0]
    with pytest.raises(PlatformError, match="is of sqlite; unset NEURONOVA_DATABASE_URL"):
        restored(replace(settings, database_url="postgresql://nobody@/none"), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_tables_of_a_newer_version_are_not_known(ended: tuple[Settings, Backup]) -> None:
    assert is_known(ended[1].manifest.revision)
    assert not is_known("9999")


def test_the_api_on_postgresql(tmp_path: Path, postgres_address: str, sqlite_template: Path) -> None:
    for name in ("backup_from", "backup_to"):
        postgres.execute(postgres_address, f"DROP DATABASE IF EXISTS {name}")
    postgres.execute(postgres_address, "CREATE DATABASE backup_from TEMPLATE template_neuronova")
    postgres.execute(postgres_address, "CREATE DATABASE backup_to")
    address = named(postgres_address, "backup_from")
    settings = open_settings(tmp_path, sqlite_template, NEURONOVA_DATABASE_URL=address)
    with stored(settings):
        postgres.execute(address, "INSERT INTO imaging_planned VALUES ('1.2.3', 'order-1')")
        made = back_up(settings)
    with pytest.raises(PlatformError, match="give an empty one"):
        restored(settings, tmp_path / "restored")
    target = named(postgres_address, "backup_to")
    found = restored(replace(settings, database_url=target), tmp_path / "restored")
    assert (found.faults, found.found) == ((), made.manifest.counts)
    assert postgres.value(target, "SELECT order_id FROM imaging_planned") == "order-1"
    assert not (tmp_path / "restored" / "api" / "neuronova.dump").exists()
    for name in ("backup_from", "backup_to"):
        postgres.execute(postgres_address, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
