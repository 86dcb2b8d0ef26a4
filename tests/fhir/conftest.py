"""The service on both databases, which records accesses in a real journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.contract.settings import Settings
from tests.accounts.api import Api, Clock
from tests.fhir.asking import Fhir


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[AuditJournal]:
    folder = tmp_path / "journal"
    folder.mkdir()
    opened = AuditJournal(folder / "api.db", "api")
    yield opened
    opened.close()


@pytest.fixture
def api(settings: Settings, journal: AuditJournal) -> Iterator[Api]:
    """The service on one of the databases."""
    clock = Clock()
    made = Api(settings, clock=clock, accesses=AccessRecorder(journal, clock))
    yield made
    made.service.database.close()


@pytest.fixture
def fhir(api: Api, journal: AuditJournal) -> Fhir:
    """The interface, and whoever asks it."""
    return Fhir(api, journal.path)
