"""The outbox on both databases, with the accounts' fixtures."""

from __future__ import annotations

import pytest

from cdss_api.database import Database
from tests.databases import api, database, postgres_address, settings, sqlite_template, variables
from tests.outbox.sending import Bench

__all__ = ["api", "database", "postgres_address", "settings", "sqlite_template", "variables"]


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)
