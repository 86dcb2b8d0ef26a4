"""Backups of a running platform by restic, and what is done with them: docs/backup.md says what is in one and why."""
