"""The service on both databases, as the tests of the FHIR interface have it."""

from __future__ import annotations

from tests.fhir.conftest import api, fhir, journal

__all__ = ["api", "fhir", "journal"]
