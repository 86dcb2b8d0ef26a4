"""The outbox on both databases, with the accounts' fixtures."""

from __future__ import annotations

import pytest

from cdss_api.database import Database
from tests.databases import api
from tests.outbox.sending import Bench

__all__ = ["api"]


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)
