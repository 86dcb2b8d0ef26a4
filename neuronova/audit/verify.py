"""Verifying the audit trail: every chain record by record against all checkpoints, in constant memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from neuronova.audit.checkpoints import Checkpoint, Checkpoints, Tip, read_checkpoints
from neuronova.audit.cuts import Cut, Cuts, read_cuts
from neuronova.audit.diagnosis import Damage, Fault, diagnose
from neuronova.audit.reading import BadJournal, Raw, Reader
from neuronova.audit.signing import Keys
from neuronova.audit.trail import Trail
from neuronova.contract.audit import chained, digest

_STEP = 10_000
Progress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainReport:
    """What is known of one writer's chain: `verified` records, of which `after` lie behind the last checkpoint.

    It begins after `cut`, if there is one; `fault` is the first thing that is wrong.
    """

    writer: str
    verified: int = 0
    last: int = 0
    after: int = 0
    cut: Cut | None = None
    fault: Fault | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What is known of the whole trail; `faults` are those of checkpoints and cuts."""

    chains: tuple[ChainReport, ...]
    checkpoint: Checkpoint | None
    faults: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and all(chain.fault is None for chain in self.chains)


def verify(
    trail: Trail, keys: Keys, progress: Progress = lambda _records: None, checkpoints: Path | None = None
) -> Report:
    """Verify every journal against the trail's checkpoints, or copies of them in another folder.

    `progress` is told the numbers of records that are done.
    """
    folder = checkpoints or trail.checkpoints
    cuts = read_cuts(trail.cuts, keys)
    report = _verify(trail, keys, folder, cuts, progress)
    if report.sound or (cut_since := read_cuts(trail.cuts, keys)) == cuts:
        return report
    return _verify(trail, keys, folder, cut_since, progress)


def _verify(trail: Trail, keys: Keys, folder: Path, cuts: Cuts, progress: Progress) -> Report:
    checkpoints = read_checkpoints(folder, keys)
    paths = {path.stem: path for path in trail.journals()}
    chains = [
        _verify_journal(writer, paths.get(writer), checkpoints, cuts, progress)
        for writer in sorted(paths.keys() | checkpoints.writers)
    ]
    return Report(chains=tuple(chains), checkpoint=checkpoints.last, faults=(*checkpoints.faults, *cuts.faults))


def records_to_verify(trail: Trail) -> int:
    """Return about how many records there are."""
    total = 0
    for path in trail.journals():
        try:
            with Reader(path) as reader:
                total += reader.count()
        except (BadJournal, sqlite3.Error):
            continue
    return total


def _verify_journal(
    writer: str, path: Path | None, checkpoints: Checkpoints, cuts: Cuts, progress: Progress
) -> ChainReport:
    tips = checkpoints.tips(writer)
    if path is None:
        gone = Fault(damage=Damage.GONE, first=1, last=max(tip.sequence for tip in tips))
        return ChainReport(writer=writer, fault=gone)
    try:
        with Reader(path) as reader:
            if reader.writer != writer or any(tip.journal != reader.id for tip in tips):
                return ChainReport(writer=writer, fault=Fault(damage=Damage.EXCHANGED, first=1, last=None))
            return _Chain(reader, tips, cuts.latest(writer, reader.id), progress).verify()
    except (BadJournal, sqlite3.Error) as error:
        return ChainReport(writer=writer, fault=Fault(damage=Damage.UNREADABLE, first=1, last=None, detail=str(error)))


class _Chain:
    """The verification of one chain."""

    def __init__(self, reader: Reader, tips: Iterable[Tip], cut: Cut | None, progress: Progress) -> None:
        self._reader = reader
        self._cut = cut
        self._progress = progress
        self._begin, self._hash = (0, reader.genesis) if cut is None else (cut.sequence, cut.hash)
        self._last = self._begin
        self._anchors: dict[int, str] = {}
        self._contradicted: int | None = None
        self._reached = self._begin  # the last checkpoint that fits
        for tip in tips:
            if self._anchors.setdefault(tip.sequence, tip.hash) != tip.hash:
                self._contradicted = tip.sequence

    def verify(self) -> ChainReport:
        try:
            fault = self._follow()
        except sqlite3.Error as error:
            fault = Fault(damage=Damage.UNREADABLE, first=self._last + 1, last=None, detail=str(error))
        fault = fault or self._before_the_beginning() or self._behind_the_end() or self._tables()
        last = self._last if fault is None or fault.first is None else min(self._last, fault.first - 1)
        return ChainReport(
            writer=self._reader.writer,
            verified=max(0, last - self._begin),
            last=last,
            after=max(0, last - self._reached),
            cut=self._cut,
            fault=fault,
        )

    def _follow(self) -> Fault | None:
        """Go from record to record as far as they hold."""
        if (fault := self._anchored(self._begin, self._hash)) is not None:
            return fault
        writer, last, its_hash, anchors = self._reader.writer, self._last, self._hash, self._anchors
        for sequence, previous, stored_hash, event in self._reader.raw(after=self._begin):
            computed = chained(writer, last + 1, its_hash, digest(event))
            if sequence != last + 1 or previous != its_hash.encode() or stored_hash != computed.encode():
                certain = last in (self._begin, self._reached)
                return diagnose(self._reader, Raw(sequence, previous, stored_hash, event), last, certain=certain)
            last, its_hash = sequence, computed
            if sequence in anchors and (fault := self._anchored(sequence, its_hash)) is not None:
                return fault
            self._last = last
            if not sequence % _STEP:
                self._progress(_STEP)
        return None

    def _anchored(self, sequence: int, its_hash: str) -> Fault | None:
        anchor = self._anchors.get(sequence)
        if anchor is None:
            return None
        if anchor != its_hash or self._contradicted == sequence:
            return Fault(damage=Damage.REWRITTEN, first=min(self._reached + 1, sequence), last=sequence)
        self._reached = sequence
        return None

    def _before_the_beginning(self) -> Fault | None:
        first, count = self._reader.db.execute(
            "SELECT min(sequence), count(*) FROM record WHERE sequence <= ?", (self._begin,)
        ).fetchone()
        if not count:
            return None
        return Fault(damage=Damage.ADDED if self._cut is None else Damage.LEFT, first=first, last=self._begin)

    def _behind_the_end(self) -> Fault | None:
        known = max(self._anchors, default=0)
        return None if known <= self._last else Fault(damage=Damage.MISSING, first=self._last + 1, last=known)

    def _tables(self) -> Fault | None:
        return None if self._reader.as_made() else Fault(damage=Damage.TABLES, first=None, last=None)
