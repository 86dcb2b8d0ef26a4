"""The service on both databases, as the tests of the FHIR interface have it."""

from __future__ import annotations

import pytest
from pydicom import config

from tests.fhir.conftest import api, fhir, journal

__all__ = ["api", "fhir", "journal"]


@pytest.fixture(autouse=True)
def odd_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pydicom take what is odd, as the service does."""
    monkeypatch.setattr(config.settings, "reading_validation_mode", config.IGNORE)
