"""The FHIR interface on both databases, and whoever asks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.contract.settings import Settings
from tests.accounts.api import Api
from tests.accounts.conftest import database, postgres_address, settings, sqlite_template, variables
from tests.fhir.asking import Fhir

__all__ = ["database", "postgres_address", "settings", "sqlite_template", "variables"]


@pytest.fixture
def fhir(settings: Settings, tmp_path: Path) -> Iterator[Fhir]:
    """The interface on one of the databases, with a journal on disk."""
    journal = AuditJournal(tmp_path / "api.db", "api")
    api = Api(settings, accesses=lambda clock: AccessRecorder(journal, clock))
    yield Fhir(api, journal.path)
    api.service.database.close()
    journal.close()
