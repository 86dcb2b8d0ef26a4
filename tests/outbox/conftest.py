"""The outbox on both databases, with the accounts' fixtures."""

from tests.databases import database, postgres_address, settings, sqlite_template, variables

__all__ = ["database", "postgres_address", "settings", "sqlite_template", "variables"]
