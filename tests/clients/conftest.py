"""The fixtures of both databases, and of the FHIR interface."""

from __future__ import annotations

from tests.fhir.conftest import api, fhir, journal

__all__ = ["api", "fhir", "journal"]
