"""The journal that a process of ours writes."""

from __future__ import annotations

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
