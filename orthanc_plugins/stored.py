"""What Orthanc's index says of one stored instance, and where its files lie."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HTJ2K_ATTACHMENT = "htj2k"
RECEIVED_ATTACHMENT = "received"
STATUS_METADATA = "htj2k-status"

GetJson = Callable[[str], Any | None]
"""Ask Orthanc's REST API for a path: its JSON (or text), or None where it answers 404."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """One attachment: `md5` and `size` are of its content; `compressed` where Orthanc keeps it compressed."""

    uuid: str
    md5: str
    size: int
    compressed: bool

    def path(self, storage: Path) -> Path:
        """Return where Orthanc's filesystem storage area keeps it."""
        return storage / self.uuid[0:2] / self.uuid[2:4] / self.uuid


def read_stored_file(get: GetJson, instance: str, attachment: str) -> StoredFile | None:
    """Ask Orthanc for an attachment of an instance; None where either does not exist."""
    info = get(f"/instances/{instance}/attachments/{attachment}/info")
    if info is None:
        return None
    return StoredFile(
        uuid=info["Uuid"],
        md5=info["UncompressedMD5"],
        size=int(info["UncompressedSize"]),
        compressed=info["CompressedMD5"] != info["UncompressedMD5"],
    )


def orthanc_identifier(*identifiers: str) -> str:
    """Return Orthanc's identifier of a patient, study, series or instance.

    `identifiers` are PatientID and then the UIDs down to the level wanted; Orthanc's identifier is their SHA-1,
    written in five groups.
    """
    digest = hashlib.sha1("|".join(identifiers).encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[start : start + 8] for start in range(0, 40, 8))
