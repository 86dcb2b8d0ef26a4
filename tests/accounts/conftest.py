"""The fixtures of both databases."""

from tests.databases import api, database, postgres_address, settings, sqlite_template, variables

__all__ = ["api", "database", "postgres_address", "settings", "sqlite_template", "variables"]
