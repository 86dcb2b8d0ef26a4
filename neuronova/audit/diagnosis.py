"""What happened to a chain that does not hold: which record is the first that is not as it was written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from neuronova.audit.reading import Raw, Reader
from neuronova.contract.audit import chained, digest


class Damage(StrEnum):
    """What is wrong; each with the sentence that says so."""

    CHANGED = "record {first} is not what was written"
    MISSING = "{records} missing"
    MOVED = "in place of record {first} stands record {last}"
    ADDED = "record {first} lies before the beginning and was not written"
    REWRITTEN = "{records} not what the checkpoint was made of: changed or removed, with all hashes made anew"
    EXCHANGED = "the file is another journal than the one that the checkpoints name"
    GONE = "the journal's file is gone, with its records up to {last} at least"
    UNREADABLE = "the file cannot be read from record {first} on ({detail})"
    TABLES = "the tables, indexes or triggers are not those of an audit journal"
    LEFT = "records before the cut are still there: a cut is under way, or was interrupted and is to be run again"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """The first thing wrong with a chain, from record `first` on."""

    damage: Damage
    first: int | None
    last: int | None
    detail: str = ""

    def __str__(self) -> str:
        one = self.last is None or self.last == self.first
        records = f"record {self.first} is" if one else f"records {self.first} to {self.last} are"
        return self.damage.format(first=self.first, last=self.last, records=records, detail=self.detail)


def diagnose(reader: Reader, found: Raw, last: int, *, certain: bool) -> Fault:
    """Say what is wrong where `found` does not follow record `last`.

    `certain` tells that record `last` itself is beyond doubt: a checkpoint names it, or the chain begins behind it.
    """
    expected = last + 1
    if found.sequence != expected:
        return Fault(damage=Damage.MISSING, first=expected, last=found.sequence - 1)
    if _holds_as(reader, expected, found):
        # It fits itself and not the one before, so that one has another hash than it had.
        changed = expected if certain else last
        return Fault(damage=Damage.CHANGED, first=changed, last=changed)
    if _holds_as(reader, expected + 1, found):  # the numbers behind were made to close up
        return Fault(damage=Damage.MISSING, first=expected, last=expected)
    follower = reader.db.execute(
        "SELECT sequence FROM record WHERE previous = CAST(? AS TEXT) AND sequence != ?", (found.hash, expected + 1)
    ).fetchone()
    if follower is not None and _holds_as(reader, follower[0] - 1, found):
        return Fault(damage=Damage.MOVED, first=expected, last=follower[0] - 1)
    return Fault(damage=Damage.CHANGED, first=expected, last=expected)


def _holds_as(reader: Reader, sequence: int, found: Raw) -> bool:
    """Tell whether a record's hash is right for it as number `sequence`."""
    previous = found.previous.decode("ascii", "replace")
    return chained(reader.writer, sequence, previous, digest(found.event)).encode() == found.hash
