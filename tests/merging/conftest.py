"""The service on both databases, and a whole platform."""

from __future__ import annotations

from tests.fhir.conftest import api, fhir, journal
from tests.imaging.conftest import hospital

__all__ = ["api", "fhir", "hospital", "journal"]
