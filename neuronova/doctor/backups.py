"""Backups: whether there are any, and how old the last one is."""

from __future__ import annotations

from datetime import datetime

from neuronova.backup.backing_up import repository_of
from neuronova.contract.settings import Settings
from neuronova.doctor.finding import Finding, failed, ok, warning
from neuronova.platform.errors import PlatformError

_HOUR = 3600.0
_LATE, _TOO_LATE = 26 * _HOUR, 7 * 24 * _HOUR  # one a night
_ADVICE = "run `neuronova backup`, and see why its timer does not (docs/backup.md)"


def look_at_backups(settings: Settings, now: float) -> list[Finding]:
    """Ask the repository that the settings name for its last backup."""
    if settings.backup_repository is None:
        return [warning("backup", "none is set up", "set NEURONOVA_BACKUP_REPOSITORY (docs/backup.md)")]
    try:
        made = repository_of(settings).snapshots()
    except PlatformError as why:
        return [failed("backup", str(why), "see NEURONOVA_BACKUP_REPOSITORY; is its disk mounted?")]
    return [last_backup(datetime.fromisoformat(made[-1].time).timestamp() if made else None, now)]


def last_backup(made: float | None, now: float) -> Finding:
    """Judge when the last backup was made; both in seconds since 1970, UTC."""
    if made is None:
        return failed("backup", "the repository has none", _ADVICE)
    age = now - made
    told = f"the last one is {age / _HOUR:.0f} hours old"
    if age > _TOO_LATE:
        return failed("backup", told, _ADVICE)
    return warning("backup", told, _ADVICE) if age > _LATE else ok("backup", told)
