"""Giving studies to another patient in Orthanc, under the same UIDs, so that a crash at any point loses no object.

All objects are first written anew beside the archive. Only when the last one is there are they stored and their
originals deleted. How far an object has come is the ending of its file, so whoever begins again goes on from there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cdss_api.imaging.archive import Archive
from cdss_api.imaging.rewriting import Unreadable, named_in, rewritten

ORIGINALS = "originals"
_ALL = "all"  # the file that says: every object is there
_STAGED, _HALF, _DONE = ".dcm", ".half", ".done"  # written anew; one of the two steps is done; both are
_STEPS = 3  # of an object: written, stored, and its original deleted
_FORGETTING = 10.0  # seconds that Orthanc's plugin is given to forget what was deleted
_LOOK_EVERY = 0.05  # seconds

# Told before each step of an object: how many of all have come through. It may raise to stop the work.
Watch = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One study and whose it will be: its `series` (Orthanc's identifier), of the patient `before` (PatientID, issuer).

    `values` are the new ones by keyword. `only` are SOPInstanceUIDs, where not all of these series are meant. With
    `restoring`, the folder of a finished correction that kept its originals, these are put back and no value is set
    but by them; `values` still says whose they are.
    """

    orthanc: str
    study_uid: str
    series: Collection[str]
    before: tuple[str, str]
    values: Mapping[str, str]
    only: Collection[str] | None = None
    restoring: str | None = None

    @property
    def after(self) -> tuple[str, str]:
        """Return PatientID and issuer of whose it will be."""
        return self.values["PatientID"], self.values["IssuerOfPatientID"]

    def to_json(self) -> dict[str, Any]:
        """Return it as the table keeps it."""
        return {
            "orthanc": self.orthanc,
            "study_uid": self.study_uid,
            "series": sorted(self.series),
            "before": list(self.before),
            "values": dict(self.values),
            "only": None if self.only is None else sorted(self.only),
            "restoring": self.restoring,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Move:
        """Return what `to_json` gave."""
        patient_id, issuer = kept["before"]
        return cls(**{**kept, "before": (patient_id, issuer)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """Where a correction works: `root` holds a folder for each correction, in it one for each study, by its place."""

    archive: Archive
    root: Path
    name: str
    keeps: bool
    at: datetime  # what the objects say of when they were changed

    def folder(self, place: int) -> Path:
        """Return the folder of one study."""
        return self.root / self.name / str(place)


def correct(bench: Bench, moves: Sequence[Move], watch: Watch) -> list[str]:
    """Carry a correction out, or go on with one that was begun; return the SOPInstanceUIDs.

    Raises:
        Unavailable: Orthanc does not answer; begin again.
        Unreadable: an object cannot be rewritten, or there is none; nothing has changed.
    """
    counted = _Counted(watch, _total(bench, moves), _steps_done(bench, moves))
    for place, move in enumerate(moves):
        if not (bench.folder(place) / _ALL).exists():
            _stage(bench, move, bench.folder(place), counted)
    uids = [uid for place in range(len(moves)) for uid in (bench.folder(place) / _ALL).read_text().split()]
    if not uids:
        raise Unreadable("the study is gone")
    for place, move in enumerate(moves):
        _exchange(bench.archive, move, bench.folder(place), counted)
    return uids


class _Counted:
    """Counts the steps of all objects, and tells the objects."""

    def __init__(self, watch: Watch, total: int, steps: int) -> None:
        self._watch, self._total, self._steps = watch, total, steps

    def look(self) -> None:
        """Stop here where the work is to stop."""
        self._watch(min(self._steps // _STEPS, self._total), self._total)

    def step(self) -> None:
        """Count one."""
        self._steps += 1


def _total(bench: Bench, moves: Sequence[Move]) -> int:
    total = 0
    for place, move in enumerate(moves):
        staged = bench.folder(place) / _ALL
        if staged.exists():
            total += len(staged.read_text().split())
        elif move.only is not None:
            total += len(move.only)
        else:
            total += sum(1 for _ in _sources(bench, move))
    return total


def _steps_done(bench: Bench, moves: Sequence[Move]) -> int:
    endings = {_STAGED: 1, _HALF: 2, _DONE: 3}
    folders = [bench.folder(place) for place in range(len(moves)) if bench.folder(place).exists()]
    return sum(endings.get(file.suffix, 0) for folder in folders for file in folder.iterdir())


def _sources(bench: Bench, move: Move) -> Iterator[tuple[str, Callable[[], bytes | None]]]:
    """Yield what is to be replaced by Orthanc's identifier, and how to read what it is made from."""
    if move.restoring is not None:
        for file in sorted((bench.root / move.restoring / ORIGINALS).glob("*.dcm")):
            yield file.stem, file.read_bytes
        return
    for series, instances in bench.archive.instances(move.orthanc).items():
        for instance in instances if series in move.series else ():
            yield instance, lambda instance=instance: bench.archive.file(instance)  # type: ignore[misc]


def _stage(bench: Bench, move: Move, folder: Path, counted: _Counted) -> None:
    originals = folder / ORIGINALS
    originals.mkdir(parents=True, exist_ok=True, mode=0o700)
    for instance, content_of in _sources(bench, move):
        if (folder / f"{instance}{_STAGED}").exists():
            continue
        counted.look()
        content = content_of()
        if content is None:
            continue
        named = named_in(content)
        if move.only is not None and named.instance not in move.only:
            continue
        if move.restoring is not None:
            _write(folder / f"{named.of(move.before[0])}{_STAGED}", content)
        else:
            if bench.keeps:
                _write(originals / f"{instance}.dcm", content)
            _write(folder / f"{instance}{_STAGED}", rewritten(content, move.values, bench.at))
        counted.step()
    _sync(originals)
    uids = [named_in(file.read_bytes()).instance for file in sorted(folder.glob(f"*{_STAGED}"))]
    _write(folder / _ALL, "\n".join(uids).encode())
    _sync(folder)


def _exchange(archive: Archive, move: Move, folder: Path, counted: _Counted) -> None:
    """Store what was written anew and delete what it takes the place of."""

    def store(file: Path) -> None:
        archive.store(file.read_bytes())

    def delete(file: Path) -> None:
        archive.delete(file.stem)

    if move.after[0] != move.before[0]:
        _each(folder, _STAGED, _HALF, store, counted)
        _each(folder, _HALF, _DONE, delete, counted)
        return
    # Orthanc knows them by the same identifiers: what stands there has to go first.
    _each(folder, _STAGED, _HALF, delete, counted)
    if any(folder.glob(f"*{_HALF}")):
        _wait_until_forgotten(archive, move)
    _each(folder, _HALF, _DONE, store, counted)


def _each(folder: Path, ending: str, next_: str, act: Callable[[Path], None], counted: _Counted) -> None:
    for file in sorted(folder.glob(f"*{ending}")):
        counted.look()
        act(file)
        file.rename(file.with_suffix(next_))
        counted.step()


def _wait_until_forgotten(archive: Archive, move: Move) -> None:
    """Wait until the study is nobody's, or is still theirs for what is left of it."""
    deadline = time.monotonic() + _FORGETTING
    while move.before in archive.holdings(move.study_uid) and time.monotonic() < deadline:
        if archive.instances(move.orthanc):
            return
        time.sleep(_LOOK_EVERY)


def tidy(root: Path, name: str) -> None:
    """Delete what a finished correction does not need any more: all but its originals."""
    for file in (root / name).glob("*/*"):
        if file.is_file():
            file.unlink(missing_ok=True)
    for folder in sorted((root / name).glob("**/"), reverse=True):
        with suppress(OSError):  # what holds originals stays
            folder.rmdir()


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


def instant(seconds: float) -> datetime:
    """Return seconds since the epoch as a moment."""
    return datetime.fromtimestamp(seconds, UTC)
