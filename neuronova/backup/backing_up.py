"""`neuronova backup`: databases first, the stored files after them, and then whether both fit."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neuronova.backup.last import write_last
from neuronova.backup.manifest import Manifest
from neuronova.backup.places import INDEX, INDEX_FILES, LIVE, STAGED, STORAGE, Staging
from neuronova.backup.restic import TAG, UNFINISHED, Added, Done, Repository
from neuronova.backup.staging import stage, stage_index
from neuronova.backup.storage import Missing, missing_files
from neuronova.contract.settings import Settings
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout

ROUNDS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """A backup that was made: what restic's last run says, the sums of all runs, and how long it took in seconds.

    `damaged` is how many stored files Orthanc's index names that are not there, or of another size: they were lost
    before this backup, which has all others.
    """

    snapshot: str
    manifest: Manifest
    files_new: int
    bytes_added: int
    bytes_all: int
    rounds: int
    seconds: float
    damaged: int
    damaged_names: tuple[str, ...]


def repository_of(settings: Settings, cache: Path | None = None) -> Repository:
    """Return the repository of the settings.

    Raises:
        PlatformError: none is set.
    """
    if settings.backup_repository is None or settings.backup_password is None:
        raise PlatformError("set NEURONOVA_BACKUP_REPOSITORY and NEURONOVA_BACKUP_PASSWORD (docs/backup.md)")
    return Repository(
        address=settings.backup_repository,
        password=settings.backup_password,
        cache=cache or Layout(settings.data).run / "restic",
    )


def back_up(
    settings: Settings,
    *,
    done: Done = lambda _part, _bytes: None,
    staged: Callable[[int], None] = lambda _round: None,
    clock: Callable[[], float] = time.time,
) -> Backup:
    """Make a backup of a platform, which may run, in a repository that exists.

    `done` is told how far restic is, `staged` the number of each round between its index and its stored files.

    Raises:
        PlatformError: it could not be made; what restic has got by then is used by the next one.
    """
    repository, began = repository_of(settings), time.monotonic()
    staging = Staging(settings.data)
    with only_backup(settings.data):
        try:
            manifest = stage(settings, clock())
            runs: list[Added] = []
            missing = before = Missing(0, ())
            while True:
                staged(len(runs) + 1)
                runs.append(_add(repository, settings.data, done))
                missing = _missing(repository, staging, runs[-1].snapshot)
                if not missing.number or missing == before:  # twice the same: not deleted meanwhile, but lost before
                    break
                if len(runs) == ROUNDS:
                    raise PlatformError(
                        f"stored files went while they were copied, {ROUNDS} times in turn ({missing.number} the last "
                        "time); try again when less is being deleted"
                    )
                before, manifest = missing, stage_index(settings, manifest)
            snapshot = repository.finish(runs[-1].snapshot)
            write_last(settings.data, manifest.time)
        finally:
            shutil.rmtree(staging.folder, ignore_errors=True)
    return Backup(
        snapshot=snapshot,
        manifest=manifest,
        files_new=sum(one.files_new for one in runs),
        bytes_added=sum(one.bytes_added for one in runs),
        bytes_all=runs[-1].bytes_all,
        rounds=len(runs),
        seconds=time.monotonic() - began,
        damaged=missing.number,
        damaged_names=missing.names,
    )


@contextmanager
def only_backup(data: Path) -> Iterator[None]:
    """Hold the lock of this data folder's backups; the kernel lets go of it however this process ends."""
    run = Layout(data).run
    if not run.is_dir():
        raise PlatformError(f"there is no platform in {data} yet; start it once with `neuronova run`")
    with (run / "backup.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlatformError(f"another backup of {data} is being made; wait for its end") from None
        yield


def _add(repository: Repository, data: Path, done: Done) -> Added:
    places = [place for place in (STAGED, *LIVE) if (data / place).exists()]
    known = repository.snapshots(TAG, UNFINISHED)
    added = repository.add(data, places, INDEX_FILES, known[-1].id if known else None, done)
    # Stored files may go while they are read: whether any that matters did is found by the index.
    storage = data / STORAGE
    unread = [name for name in added.unreadable if Path(name).exists() and not Path(name).is_relative_to(storage)]
    if unread:
        raise PlatformError(f"{unread[0]} cannot be read ({len(unread)} such files); run as the platform's own user")
    return added


def _missing(repository: Repository, staging: Staging, snapshot: str) -> Missing:
    return missing_files(staging.of(INDEX), repository.files(snapshot, STORAGE), Layout(staging.data).temporary)
