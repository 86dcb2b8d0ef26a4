"""Giving a study to another patient in Orthanc, under the same UIDs, so that a crash at any point loses no object.

All objects are first written anew beside the archive. Only when the last one is there are they stored and their
originals deleted; whoever begins again after a crash goes on from there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cdss_api.imaging.archive import Archive
from cdss_api.imaging.rewriting import Unreadable, rewritten

_ALL = "all"  # the file that says: every object is there
_FORGETTING = 10.0  # seconds that Orthanc's plugin is given to forget what was deleted
_LOOK_EVERY = 0.05  # seconds


class Busy(Exception):
    """Somebody else is doing the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What to rewrite: the `series` of a study (Orthanc's identifier), of the patient `before` (PatientID, issuer).

    `values` are the new ones by keyword. `only` are SOPInstanceUIDs, where not all of these series are meant.
    """

    orthanc: str
    study_uid: str
    series: Collection[str]
    before: tuple[str, str]
    values: Mapping[str, str]
    only: Collection[str] | None = None


def correct(
    archive: Archive, correction: Correction, folder: Path, uid_of: Callable[[bytes], str], now: float
) -> list[str]:
    """Carry a correction out, or go on with one that was begun in `folder`; return the SOPInstanceUIDs.

    Raises:
        Busy: another request works in this folder.
        Unavailable: Orthanc does not answer; begin again.
        Unreadable: an object cannot be rewritten; nothing has changed.
    """
    with _alone(folder):
        if not (folder / _ALL).exists():
            _stage(archive, correction, folder, uid_of, now)
        staged = sorted(folder.glob("*.dcm"))
        if correction.values["PatientID"] == correction.before[0]:
            # Orthanc knows them by the same identifiers: what stands there has to go first.
            _delete(archive, staged)
            _wait_until_forgotten(archive, correction)
            _store(archive, staged)
        else:
            _store(archive, staged)
            _delete(archive, staged)
        uids = (folder / _ALL).read_text().split()
        shutil.rmtree(folder)
        return uids


def _stage(archive: Archive, correction: Correction, folder: Path, uid_of: Callable[[bytes], str], now: float) -> None:
    for left in folder.glob("*.dcm"):
        left.unlink()
    at, uids = datetime.fromtimestamp(now, UTC), []
    for series, instances in archive.instances(correction.orthanc).items():
        for instance in instances if series in correction.series else ():
            content = archive.file(instance)
            if content is None:
                continue
            uid = uid_of(content)
            if correction.only is None or uid in correction.only:
                _write(folder / f"{instance}.dcm", rewritten(content, correction.values, at))
                uids.append(uid)
    if not uids:
        raise Unreadable("the study is gone")
    _write(folder / _ALL, "\n".join(uids).encode())
    _sync(folder)


def _store(archive: Archive, staged: list[Path]) -> None:
    for file in staged:
        archive.store(file.read_bytes())


def _delete(archive: Archive, staged: list[Path]) -> None:
    for file in staged:
        archive.delete(file.stem)


def _wait_until_forgotten(archive: Archive, correction: Correction) -> None:
    """Wait until the study is nobody's, or is still theirs for what is left of it."""
    deadline = time.monotonic() + _FORGETTING
    while correction.before in archive.holdings(correction.study_uid) and time.monotonic() < deadline:
        if archive.instances(correction.orthanc):
            return
        time.sleep(_LOOK_EVERY)


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one request at a time work in a folder; the lock ends with its process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield
