"""Joint checkpoints: how far each chain had come at one time, signed, and each naming the checkpoint before."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neuronova.audit.reading import BadJournal, Reader
from neuronova.audit.signing import BadDocument, Keys, Signer, parsed, time_of, time_text, write_once
from neuronova.contract.audit import canonical

FORMAT = 1
NONE = ""  # what the first checkpoint names as the one before


@dataclass(frozen=True, kw_only=True, slots=True)
class Tip:
    """The last record of one chain."""

    writer: str
    journal: str
    sequence: int
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """One checkpoint; `digest` is of its file, for the next one to name."""

    number: int
    time: float
    previous: str
    tips: tuple[Tip, ...]
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoints:
    """The checkpoints of a folder that are to be trusted, and what is wrong with the others."""

    valid: tuple[Checkpoint, ...]
    faults: tuple[str, ...]

    @property
    def last(self) -> Checkpoint | None:
        """The newest."""
        return self.valid[-1] if self.valid else None

    def tips(self, writer: str) -> list[Tip]:
        """Return what they say of one chain, oldest first."""
        return [tip for checkpoint in self.valid for tip in checkpoint.tips if tip.writer == writer]

    @property
    def writers(self) -> set[str]:
        """Whose chains they name."""
        return {tip.writer for checkpoint in self.valid for tip in checkpoint.tips}


def make_checkpoint(journals: Iterable[Path], folder: Path, signer: Signer, now: float) -> Checkpoint:
    """Write a checkpoint over `journals`, and return it; where nothing was recorded since the last one, return that.

    A journal that cannot be read is left out: the checkpoints before name it, and a verification says so.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tips = tuple(tip for path in journals if (tip := _tip(path)) is not None)
    while True:
        last = last_checkpoint(folder, signer.keys)
        if last is not None and last.tips == tips:
            return last
        number = 1 + max(_numbers(folder), default=0)
        content = {
            "format": FORMAT,
            "number": number,
            "time": time_text(now),
            "previous": NONE if last is None else last.digest,
            "chains": [asdict(tip) for tip in tips],
        }
        data = canonical(signer.sign(content))
        try:
            write_once(_file(folder, number), data)
        except FileExistsError:  # another process was faster
            continue
        return _checkpoint(content, data)


def read_checkpoints(folder: Path, keys: Keys) -> Checkpoints:
    """Read all checkpoints of a folder."""
    valid: list[Checkpoint] = []
    faults: list[str] = []
    expected, previous = 1, NONE
    for number in sorted(_numbers(folder)):
        if number != expected:
            faults.append(f"{_said(expected, number - 1)} missing")
        data = _file(folder, number).read_bytes()
        try:
            checkpoint = _checkpoint(parsed(data, keys), data)
        except BadDocument as error:
            faults.append(f"checkpoint {number} does not count: {error}")
        else:
            if checkpoint.number != number:
                faults.append(f"checkpoint {number} is number {checkpoint.number}")
            elif number == expected and checkpoint.previous != previous:
                faults.append(f"checkpoint {number} does not follow the one before")
            valid.append(checkpoint)
        expected, previous = number + 1, hashlib.sha256(data).hexdigest()
    return Checkpoints(valid=tuple(valid), faults=tuple(faults))


def last_checkpoint(folder: Path, keys: Keys) -> Checkpoint | None:
    """Return the newest that is to be trusted; of the others no more than the names are looked at."""
    for number in sorted(_numbers(folder), reverse=True):
        data = _file(folder, number).read_bytes()
        with contextlib.suppress(BadDocument):
            return _checkpoint(parsed(data, keys), data)
    return None


def tip_of(document: Mapping[str, Any], writer: str) -> Tip | None:
    """Return what a checkpoint's document says of one chain."""
    return next((Tip(**tip) for tip in document["chains"] if tip["writer"] == writer), None)


def checkpoint_bytes(folder: Path, number: int) -> bytes:
    """Return a checkpoint's file."""
    return _file(folder, number).read_bytes()


def _tip(path: Path) -> Tip | None:
    try:
        with Reader(path) as reader:
            last = reader.last()
            sequence, its_hash = (0, reader.genesis) if last is None else (last.sequence, last.hash)
            return Tip(writer=reader.writer, journal=reader.id, sequence=sequence, hash=its_hash)
    except (BadJournal, sqlite3.Error):
        return None


def _checkpoint(content: Mapping[str, Any], data: bytes) -> Checkpoint:
    try:
        if content["format"] != FORMAT:
            raise BadDocument(f"it has format {content['format']}; this program reads format {FORMAT}")
        return Checkpoint(
            number=content["number"],
            time=time_of(content["time"]),
            previous=content["previous"],
            tips=tuple(Tip(**tip) for tip in content["chains"]),
            digest=hashlib.sha256(data).hexdigest(),
        )
    except (KeyError, TypeError, ValueError) as odd:
        raise BadDocument(f"it is odd: {odd!r}") from odd


def _numbers(folder: Path) -> list[int]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - there are 50,000 a year
    except FileNotFoundError:
        return []
    stems = [name.removesuffix(".json") for name in names]
    return [int(stem) for stem, name in zip(stems, names, strict=True) if stem.isdecimal() and name == _name(int(stem))]


def _file(folder: Path, number: int) -> Path:
    return folder / _name(number)


def _name(number: int) -> str:
    return f"{number:08}.json"


def _said(first: int, last: int) -> str:
    return f"checkpoint {first} is" if first == last else f"checkpoints {first} to {last} are"
