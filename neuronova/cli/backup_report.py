"""What `neuronova backup` and `neuronova restore` show."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from neuronova.backup.backing_up import Backup
    from neuronova.backup.manifest import Manifest
    from neuronova.backup.restic import Snapshot
    from neuronova.backup.restoring import Restored

_SHORT = 8  # characters of an identifier


def backup_table(made: Backup) -> Table:
    """Return what was backed up, and how much of it is new."""
    table = Table("", "", title=f"Backup {made.snapshot[:_SHORT]}", show_header=False)
    counts = made.manifest.counts
    rows = {
        "studies": f"{counts.studies:,}",
        "instances": f"{counts.instances:,}",
        "new files": f"{made.files_new:,}",
        "bytes added": f"{made.bytes_added:,}",
        "bytes in all": f"{made.bytes_all:,}",
        "rounds": str(made.rounds),
        "Orthanc was held": f"{made.manifest.held:.1f} s",
        "seconds": f"{made.seconds:.1f}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def list_table(found: Iterable[tuple[Snapshot, Manifest]]) -> Table:
    """Return a row for each backup, the oldest first."""
    table = Table("backup", "time (UTC)", "version", "patients", "studies", "instances", "stored bytes")
    for column in table.columns[3:]:
        column.justify = "right"
    for snapshot, manifest in found:
        counts = manifest.counts
        numbers = (counts.patients, counts.studies, counts.instances, counts.bytes)
        table.add_row(snapshot.id[:_SHORT], moment(manifest.time), manifest.version, *(f"{one:,}" for one in numbers))
    return table


def restored_table(restored: Restored) -> Table:
    """Return what was to be restored beside what was."""
    table = Table("", "backup", "restored", title=f"Backup {restored.snapshot[:_SHORT]}")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in restored.found._fields:
        wanted, found = (getattr(one, name) for one in (restored.manifest.counts, restored.found))
        table.add_row(name, f"{wanted:,}", f"{found:,}", style=None if wanted == found else "red")
    return table


def moment(time: float) -> str:
    """Return a time as a person reads it."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")
