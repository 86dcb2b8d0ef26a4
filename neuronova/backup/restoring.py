"""`neuronova restore`: a data folder made anew from a backup, and looked into before anybody uses it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from cdss_api.database import is_known
from neuronova.audit.trail import Trail
from neuronova.backup import postgres
from neuronova.backup.backing_up import repository_of
from neuronova.backup.checking import MOST_NAMED, Progress, database_faults, storage_faults
from neuronova.backup.index import Counts, counts_of
from neuronova.backup.manifest import Manifest
from neuronova.backup.places import API_DUMP, INDEX, INDEX_DUMP, STORAGE, Staging
from neuronova.backup.restic import Repository
from neuronova.backup.retelling import retell
from neuronova.backup.verifying import manifest_of
from neuronova.contract.settings import Settings
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout, make_folders
from neuronova.platform.orthanc_index import SETTING, index_database
from neuronova.platform.postgres import Postgres
from neuronova.platform.preflight import only_one

Stage = Callable[[str, int], None]  # what is done next and of how much; 0 where that is not known


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """A restored data folder: what was to be in it, what is, and what is wrong."""

    snapshot: str
    manifest: Manifest
    found: Counts
    faults: tuple[str, ...]

    @property
    def is_filled(self) -> bool:
        """Whether everything was put into its place, which is not done where a database is damaged."""
        return any(self.found)


def restore(settings: Settings, name: str, target: Path, stage: Stage, progress: Progress) -> Restored:
    """Restore a backup, `latest` or by the beginning of its identifier, into a folder that has nothing in it.

    `stage` is told what is begun, `progress` the bytes that were verified.

    Raises:
        PlatformError: the folder is in use or has something in it, or the backup cannot be restored.
    """
    _require_empty(target)
    with tempfile.TemporaryDirectory(prefix="neuronova-restore-") as cache:
        repository = repository_of(settings, Path(cache))
        snapshot = repository.find(name)
        manifest = manifest_of(repository, snapshot.id)
        _require_fitting(settings, manifest)
        _require_space(target, manifest)
        make_folders(Layout(target))
        with only_one(Layout(target)):
            Layout(target).unfinished.touch(mode=0o600)
            stage("Restoring", 0)
            found, faults = _fill(repository, snapshot.id, replace(settings, data=target), manifest, stage, progress)
            if not faults:
                Layout(target).unfinished.unlink()
    return Restored(snapshot=snapshot.id, manifest=manifest, found=found, faults=faults)


def _fill(
    repository: Repository, snapshot: str, settings: Settings, manifest: Manifest, stage: Stage, progress: Progress
) -> tuple[Counts, tuple[str, ...]]:
    target = settings.data
    repository.restore(snapshot, target)
    staging = Staging(target)
    faults = list(database_faults(staging.folder, manifest))
    if faults:
        return Counts(0, 0, 0, 0, 0, 0), tuple(faults)
    _put_into_place(staging.folder, target)
    _drop_later_checkpoints(Trail(target).checkpoints, manifest.checkpoint)
    _shut(target)
    for database, place in _dumped(settings):
        postgres.load(database, target / place)
        (target / place).unlink()
    found = counts_of(target / INDEX)
    retell(target, settings)
    stage("Verifying stored files", found.bytes)
    faults = list(islice(storage_faults(target, progress), MOST_NAMED))
    if settings.orthanc_index_url is not None:
        (target / INDEX).unlink()  # a list of it, which no Orthanc reads
    return found, tuple(faults)


def _dumped(settings: Settings) -> Iterator[tuple[Postgres, str]]:
    """Yield the databases that are PostgreSQL, each with the place of its dump."""
    if settings.database_url is not None:
        yield postgres.api_database(settings.database_url), API_DUMP
    if (database := index_database(settings)) is not None:
        yield database, INDEX_DUMP


def _require_empty(target: Path) -> None:
    if target.is_dir() and any(target.iterdir()):
        raise PlatformError(f"{target} is not empty; a restore needs an empty folder: move this one away, or give --to")
    if target.exists() and not target.is_dir():
        raise PlatformError(f"{target} is no folder")


def _require_fitting(settings: Settings, manifest: Manifest) -> None:
    _require_kind("the API's database", manifest.database, "NEURONOVA_DATABASE_URL", settings.database_url)
    _require_kind("Orthanc's index", manifest.index, SETTING, settings.orthanc_index_url)
    if not is_known(manifest.revision):
        raise PlatformError(
            f"the backup is of a newer version ({manifest.version}, tables {manifest.revision}); install that one"
        )
    for database, _ in _dumped(settings):
        postgres.require_empty(database)


def _require_kind(what: str, kind: str, setting: str, address: str | None) -> None:
    if kind != ("sqlite" if address is None else "postgresql"):
        needed = f"set {setting} to an empty one" if address is None else f"unset {setting}"
        raise PlatformError(f"{what} in the backup is of {kind}; {needed}")


def _require_space(target: Path, manifest: Manifest) -> None:
    there = next(folder for folder in (target, *target.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if free < manifest.counts.bytes:
        raise PlatformError(f"{target} has {free:,} bytes free; the stored files alone are {manifest.counts.bytes:,}")


def _put_into_place(staged: Path, target: Path) -> None:
    """Move every staged file to where it was; nothing else lies there."""
    for path in sorted(staged.rglob("*")):
        place = target / path.relative_to(staged)
        if path.is_dir():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif path.parent != staged:  # the manifest stays behind
            path.replace(place)
    shutil.rmtree(staged)


def _drop_later_checkpoints(folder: Path, last: int) -> None:
    """Remove the checkpoints that were signed after the journals were copied: they vouch for records not in here."""
    if folder.is_dir():
        for path in folder.glob("*.json"):
            if path.stem.isdecimal() and int(path.stem) > last:
                path.unlink()


def _shut(target: Path) -> None:
    """Have everything but stored images, whose folder is shut, readable by its owner alone."""
    for folder in (target, *(path for path in target.iterdir() if path.is_dir())):
        folder.chmod(0o700)
    for folder in (one for one in target.iterdir() if one.is_dir() and one.name != STORAGE):
        for path in folder.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
