"""The journal that a process of ours writes."""

from __future__ import annotations

from contextlib import suppress

from neuronova.audit.files import JournalInUse
from neuronova.audit.journal import AuditJournal
from neuronova.audit.trail import Trail
from neuronova.contract.settings import Settings

PATIENCE = 10.0  # seconds; a process that is being replaced may still hold its journal


def open_journal(settings: Settings, writer: str) -> AuditJournal:
    """Open the journal that `writer` alone writes.

    Raises:
        JournalFailed: another process writes it, or it cannot be written.
    """
    trail = Trail(settings.data)
    trail.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return AuditJournal(trail.journal(writer), writer, patience=PATIENCE)


def open_free_journal(settings: Settings, part: str) -> AuditJournal:
    """Open the first journal of a part that no other process writes: `part`, `part-2`, `part-3` and so on.

    Its writer's name is the process's own for as long as it lives, and then the next one's.

    Raises:
        JournalFailed: it cannot be written.
    """
    trail = Trail(settings.data)
    trail.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    writer, number = part, 1
    while True:
        with suppress(JournalInUse):
            return AuditJournal(trail.journal(writer), writer)
        number += 1
        writer = f"{part}-{number}"
