"""What a backup says of itself: which version made it, how much it holds, and the digests of its databases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from neuronova.backup.index import Counts
from neuronova.backup.places import INDEX_DUMP
from neuronova.platform.errors import PlatformError

FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """`time` is seconds since 1970, UTC, when the first database was copied; `revision` is of the API's tables.

    `checkpoint` is the number of the audit trail's last one, 0 for none: later ones vouch for what is not in here.
    `held` are the seconds that Orthanc was held, `digests` SHA-256 of each database by its place in the data folder.
    """

    time: float
    version: str
    revision: str
    database: str  # sqlite or postgresql
    checkpoint: int
    held: float
    counts: Counts
    digests: Mapping[str, str]

    @property
    def index(self) -> str:
        """What Orthanc's index is: sqlite or postgresql."""
        return "postgresql" if INDEX_DUMP in self.digests else "sqlite"

    def write(self, path: Path) -> None:
        """Write it down."""
        value = asdict(self) | {"format": FORMAT, "counts": self.counts._asdict()}
        path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        path.chmod(0o600)


def read_manifest(text: bytes | str) -> Manifest:
    """Read what `Manifest.write` wrote.

    Raises:
        PlatformError: it is none, or of another format.
    """
    try:
        value = json.loads(text)
        found = value.pop("format")
        if found != FORMAT:
            raise PlatformError(f"the backup has format {found}; this program reads format {FORMAT}")
        return Manifest(**value | {"counts": Counts(**value["counts"])})
    except (ValueError, TypeError, KeyError, AttributeError) as odd:
        raise PlatformError(f"the backup's manifest is odd ({type(odd).__name__})") from None
