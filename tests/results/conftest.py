"""The service on both databases, and one real Orthanc for each file's tests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.fhir.asking import Fhir
from tests.fhir.conftest import api, fhir, journal
from tests.results.ward import Ward
from tests.server import Server, running, settings_for

__all__ = ["api", "fhir", "journal"]
_numbers = count(1)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(Server(settings_for(tmp_path_factory.mktemp("orthanc") / "data"))) as one:
        yield one


@pytest.fixture
def ward(fhir: Fhir, orthanc: Server, tmp_path: Path) -> Ward:
    return Ward(fhir, orthanc, tmp_path, f"ward-{next(_numbers)}")
