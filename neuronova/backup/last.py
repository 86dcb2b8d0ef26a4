"""When the last backup was made, written down in the data folder: the repository may be far away and slow to ask."""

from __future__ import annotations

import json
from pathlib import Path

from cdss_api.secret_files import write_secret
from neuronova.platform.layout import Layout


def write_last(data: Path, time: float) -> None:
    """Write down that a backup of `time` (seconds since 1970, UTC) is whole and in the repository."""
    write_secret(_file(data), json.dumps({"time": time}).encode())


def read_last(data: Path) -> float | None:
    """Return the time of the last backup; None where none is known here."""
    try:
        return float(json.loads(_file(data).read_text(encoding="utf-8"))["time"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _file(data: Path) -> Path:
    return Layout(data).run / "last-backup.json"
