"""The databases and small files of a platform that may run, copied into one folder in an order that fits."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from neuronova.audit.trail import Trail
from neuronova.backup import postgres
from neuronova.backup.index import copy_index, counts_of
from neuronova.backup.index_dump import dump_index
from neuronova.backup.manifest import Manifest
from neuronova.backup.places import (
    API_DATABASE,
    API_DUMP,
    AUDIT,
    AUDIT_FOLDERS,
    INDEX,
    INDEX_DUMP,
    KEYS,
    LINKED,
    PLUGIN_DATABASES,
    PLUGIN_FILES,
    STORAGE,
    Staging,
)
from neuronova.backup.sqlite_files import sha256_of, snapshot
from neuronova.contract.settings import Settings
from neuronova.platform.errors import PlatformError
from neuronova.platform.orthanc_index import index_database

_CUTS_AGAIN = 3
_CHECKPOINT = re.compile(r"(\d{8})\.json")


def stage(settings: Settings, now: float) -> Manifest:
    """Copy all databases of a platform, which may run, and write the manifest; the folder is made anew.

    Raises:
        PlatformError: one of them cannot be copied, or there is none yet.
    """
    data, staging = settings.data, Staging(settings.data)
    require_platform(settings)
    shutil.rmtree(staging.folder, ignore_errors=True)
    staging.folder.mkdir(mode=0o700)
    _require_space(data)
    copies = [_copied(data, staging, one) for one in PLUGIN_DATABASES]
    _copy_files(data, staging, PLUGIN_FILES)
    api = _stage_api(settings, staging)
    _copy_folder(data / KEYS, staging.of(KEYS))
    _link_all(data, staging)
    index = _stage_index(settings, staging)
    _link_all(data, staging)
    checkpoint, journals = _stage_audit(Trail(data), staging)
    places = [one for one in (*copies, api.place, *index.places, *journals) if one]
    manifest = Manifest(
        time=now,
        version=version("neuronova"),
        revision=api.revision,
        database=api.kind,
        checkpoint=checkpoint,
        held=index.held,
        counts=counts_of(staging.of(INDEX)),
        digests={place: sha256_of(staging.of(place)) for place in places},
    )
    manifest.write(staging.manifest)
    return manifest


def stage_index(settings: Settings, before: Manifest) -> Manifest:
    """Copy Orthanc's index anew, for files that an earlier copy names are gone, and write the manifest of that."""
    staging = Staging(settings.data)
    index = _stage_index(settings, staging)
    digests = dict(before.digests) | {place: sha256_of(staging.of(place)) for place in index.places}
    manifest = replace(before, held=max(index.held, before.held), counts=counts_of(staging.of(INDEX)), digests=digests)
    manifest.write(staging.manifest)
    return manifest


@dataclass(frozen=True, slots=True)
class _Api:
    place: str
    kind: str
    revision: str


@dataclass(frozen=True, slots=True)
class _Index:
    places: tuple[str, ...]
    held: float


def require_platform(settings: Settings) -> None:
    """Raise a `PlatformError` where there is no platform of which backups can be made."""
    made = settings.data / (INDEX if settings.orthanc_index_url is None else STORAGE)
    if not made.exists():
        raise PlatformError(f"there is no platform in {settings.data} yet; start it once with `neuronova run`")


def _require_space(data: Path) -> None:
    places = (*PLUGIN_DATABASES, API_DATABASE, INDEX, f"{INDEX}-wal")
    files = [*(data / place for place in places), *Trail(data).journals()]
    needed = sum(file.stat().st_size for file in files if file.is_file())
    free = shutil.disk_usage(data).free
    if free < needed:
        raise PlatformError(f"{data} has {free:,} bytes free; copies of the databases need {needed:,}")


def _copied(data: Path, staging: Staging, place: str) -> str:
    """Copy a database; return its place, nothing where there is none."""
    if not (data / place).is_file():
        return ""
    snapshot(data / place, staging.of(place))
    return place


def _copy_files(data: Path, staging: Staging, places: tuple[str, ...]) -> None:
    for place in places:
        if (data / place).is_file():
            shutil.copy2(data / place, staging.of(place))


def _stage_api(settings: Settings, staging: Staging) -> _Api:
    if settings.database_url is not None:
        database = postgres.api_database(settings.database_url)
        revision = postgres.revision(database)
        postgres.dump(database, staging.of(API_DUMP))
        return _Api(API_DUMP, "postgresql", revision)
    if not _copied(settings.data, staging, API_DATABASE):
        raise PlatformError(f"there is no {settings.data / API_DATABASE} yet; start the platform once")
    with closing(sqlite3.connect(staging.of(API_DATABASE))) as db:
        ((revision,),) = db.execute("SELECT version_num FROM alembic_version").fetchall()
    return _Api(API_DATABASE, "sqlite", str(revision))


def _stage_index(settings: Settings, staging: Staging) -> _Index:
    database = index_database(settings)
    if database is None:
        return _Index((INDEX,), copy_index(settings.data / INDEX, staging.of(INDEX)))
    dump_index(database, staging.of(INDEX_DUMP), staging.of(INDEX))
    return _Index((INDEX, INDEX_DUMP), 0.0)


def _link_all(data: Path, staging: Staging) -> None:
    for place in LINKED:
        _link_folder(data / place, staging.of(place))


def _link_folder(source: Path, target: Path) -> None:
    """Give each file of a folder a second name: it stays, however soon the first one goes."""
    for folder, _, names in os.walk(source):
        into = target / Path(folder).relative_to(source)
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in names:
            if not name.endswith(".part"):
                _link(Path(folder) / name, into / name)


def _link(source: Path, target: Path) -> None:
    try:
        target.unlink(missing_ok=True)
        target.hardlink_to(source)
    except FileNotFoundError:  # it went meanwhile, as these do
        return
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def _copy_folder(source: Path, target: Path) -> None:
    """Copy a small folder whose files are replaced as a whole; those that go meanwhile are left out."""
    for folder, _, names in os.walk(source):
        into = target / Path(folder).relative_to(source)
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in names:
            try:
                shutil.copy2(Path(folder) / name, into / name)
            except FileNotFoundError:
                continue


def _stage_audit(trail: Trail, staging: Staging) -> tuple[int, list[str]]:
    """Copy the audit journals; return the last checkpoint that they reach, and their places.

    How far a collector has come is copied before the journals, for it would be sent what is written after them anew.
    """
    for _ in range(_CUTS_AGAIN):
        cuts = _names(trail.cuts)
        shutil.rmtree(staging.of(AUDIT), ignore_errors=True)
        _copy_folder(trail.forwarded, staging.of(AUDIT_FOLDERS[0]))
        numbers = [int(found[1]) for name in _names(trail.checkpoints) if (found := _CHECKPOINT.fullmatch(name))]
        places = [_copied(trail.data, staging, f"{AUDIT}/{path.name}") for path in trail.journals()]
        _copy_folder(trail.cuts, staging.of(AUDIT_FOLDERS[1]))
        if _names(trail.cuts) == cuts:
            return max(numbers, default=0), places
    raise PlatformError("the audit trail is being cut; try again when that has ended")


def _names(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208 - there are 50,000 a year
