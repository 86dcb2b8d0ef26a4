"""What became of a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How one file ended; `DONE` need not be looked at again, `WANTING` keep the command from success."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    DIRECTORY = "directory"
    NOT_DICOM = "not DICOM"
    LINK = "link"
    FAILED = "failed"


DONE = frozenset({Outcome.STORED, Outcome.DUPLICATE, Outcome.NOT_DICOM})
WANTING = frozenset({Outcome.FAILED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What became of one file; `digest` is the SHA-256 of its bytes in hexadecimal, `size` is in bytes."""

    outcome: Outcome
    reason: str = ""
    digest: str = ""
    instance: str = ""  # SOPInstanceUID (0008,0018)
    size: int = 0


class Refused(Exception):
    """A file that is not taken in; the message is the reason that the report gives."""
