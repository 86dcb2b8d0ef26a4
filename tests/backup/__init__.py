"""Backups: of a platform that runs, and what becomes of it when all else is gone."""
