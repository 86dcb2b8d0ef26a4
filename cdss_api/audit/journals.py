"""The journals of all writers."""

from __future__ import annotations

from pathlib import Path

from neuronova.audit.journal import AuditJournal
from neuronova.contract.settings import Settings

PATIENCE = 10.0  # seconds; a process that is being replaced may still hold its journal


def audit_folder(settings: Settings) -> Path:
    """Return where the journals lie, each alone in its file."""
    return settings.data / "audit"


def open_journal(settings: Settings, writer: str) -> AuditJournal:
    """Open the journal that `writer` alone writes.

    Raises:
        JournalFailed: another process writes it, or it cannot be written.
    """
    folder = audit_folder(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return AuditJournal(folder / f"{writer}.db", writer, patience=PATIENCE)


def all_journals(settings: Settings) -> list[Path]:
    """Return every writer's journal."""
    return sorted(audit_folder(settings).glob("*.db"))
