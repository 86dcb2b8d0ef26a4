"""Retention: old records are exported, a signed statement says so, and only then are they removed."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neuronova.audit.files import connect, sync_folder
from neuronova.audit.positions import Position
from neuronova.audit.reading import Entry, Reader
from neuronova.audit.signing import BadDocument, Keys, Signer, parsed, time_of, time_text, write_once
from neuronova.audit.trail import Trail
from neuronova.contract.audit import canonical, record_to_json

FORMAT = 1
_AT_ONCE = 2000  # records removed in one transaction, for which the journal's writer waits


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """What was removed: all records from `first` to `sequence`, the last of which had `hash`."""

    writer: str
    journal: str
    first: int
    sequence: int
    hash: str
    before: float
    time: float
    export: str  # the file's name
    digest: str  # its SHA-256


@dataclass(frozen=True, kw_only=True, slots=True)
class Cuts:
    """The cuts of a folder that are to be trusted, and what is wrong with the others."""

    valid: tuple[Cut, ...]
    faults: tuple[str, ...]

    def latest(self, writer: str, journal: str) -> Cut | None:
        """Return where a journal begins now."""
        its = [cut for cut in self.valid if (cut.writer, cut.journal) == (writer, journal)]
        return max(its, key=lambda cut: cut.sequence, default=None)


def make_cut(
    path: Path, before: float, trail: Trail, signer: Signer, now: float, position: Position | None = None
) -> Cut | None:
    """Remove a journal's records up to the first that is not older than `before`; the last record always stays.

    Of what a collector is to get, nothing behind its `position` is removed. The journal may be written meanwhile. What
    an interrupted cut left is removed too. Returns None where there is nothing so old.
    """
    finish_cut(path, trail, signer)
    with Reader(path) as reader:
        last = _last_before(reader, before, position)
        if last is None:
            return None
        begun = read_cuts(trail.cuts, signer.keys).latest(reader.writer, reader.id)
        cut = _state(reader, 1 if begun is None else begun.sequence + 1, last, before, trail, signer, now)
    _remove(path, cut)
    return cut


def finish_cut(path: Path, trail: Trail, signer: Signer) -> None:
    """Remove what an interrupted cut left of a journal."""
    with Reader(path) as reader:
        begun = read_cuts(trail.cuts, signer.keys).latest(reader.writer, reader.id)
    if begun is not None:
        _remove(path, begun)


def is_due(path: Path, before: float, position: Position | None = None) -> bool:
    """Tell whether there is anything so old in a journal whose last cut is finished."""
    with Reader(path) as reader:
        return _last_before(reader, before, position) is not None


def read_cuts(folder: Path, keys: Keys) -> Cuts:
    """Read all statements of a folder."""
    valid: list[Cut] = []
    faults: list[str] = []
    for file in sorted(folder.glob("*.json")):
        try:
            valid.append(_cut(parsed(file.read_bytes(), keys)))
        except BadDocument as error:
            faults.append(f"the cut {file.name} does not count: {error}")
    return Cuts(valid=tuple(valid), faults=tuple(faults))


def _last_before(reader: Reader, before: float, position: Position | None) -> Entry | None:
    (first_kept,) = reader.db.execute(
        "SELECT coalesce(min(CASE WHEN time >= ? THEN sequence END), max(sequence)) FROM record",
        (round(before * 1e6),),
    ).fetchone()
    if first_kept is None:
        return None
    last = first_kept - 1 if position is None else min(first_kept - 1, position.of(reader))
    return next(reader.entries(last - 1, last), None)


def _state(reader: Reader, first: int, last: Entry, before: float, trail: Trail, signer: Signer, now: float) -> Cut:
    name = f"{reader.writer}-{reader.id[:8]}-{first}-{last.sequence}"
    export = trail.removed / f"{name}.ndjson"
    cut = Cut(
        writer=reader.writer,
        journal=reader.id,
        first=first,
        sequence=last.sequence,
        hash=last.hash,
        before=before,
        time=now,
        export=export.name,
        digest=_export(reader, first, last.sequence, export),
    )
    trail.cuts.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = {**asdict(cut), "format": FORMAT, "before": time_text(before), "time": time_text(now)}
    write_once(trail.cuts / f"{name}.json", canonical(signer.sign(content)))
    return cut


def _export(reader: Reader, first: int, last: int, file: Path) -> str:
    """Write the records, one a line as JSON, durably; return the file's digest."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        for entry in reader.entries(first - 1, last):
            line = canonical(record_to_json(reader.record(entry))) + b"\n"
            digest.update(line)
            opened.write(line)
        opened.flush()
        os.fsync(opened.fileno())
    sync_folder(file.parent)
    return digest.hexdigest()


def _remove(path: Path, cut: Cut) -> None:
    db = connect(path)
    try:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("INSERT OR IGNORE INTO cut VALUES (?, ?)", (cut.sequence, cut.hash))
        while _remove_some(db, cut.sequence):
            pass
    finally:
        db.close()


def _remove_some(db: sqlite3.Connection, last: int) -> bool:
    removed = db.execute(
        "DELETE FROM record WHERE sequence IN"
        " (SELECT sequence FROM record WHERE sequence <= ? ORDER BY sequence LIMIT ?)",
        (last, _AT_ONCE),
    )
    return removed.rowcount > 0


def _cut(content: Mapping[str, Any]) -> Cut:
    try:
        if content["format"] != FORMAT:
            raise BadDocument(f"it has format {content['format']}; this program reads format {FORMAT}")
        members = {name: value for name, value in content.items() if name not in ("format", "key")}
        return Cut(**{**members, "before": time_of(content["before"]), "time": time_of(content["time"])})
    except (KeyError, TypeError, ValueError) as odd:
        raise BadDocument(f"it is odd: {odd!r}") from odd


def export_digest(file: Path) -> str:
    """Return the digest of an exported file, to compare with its statement."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
