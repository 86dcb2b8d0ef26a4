"""The service on both databases, and a whole platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fhir.conftest import api, fhir, journal
from tests.imaging.asking import Hospital
from tests.running import running_platform

__all__ = ["api", "fhir", "journal"]


@pytest.fixture
def hospital() -> Iterator[Hospital]:
    """A platform of this test's own, whose modality may store and ask the worklist."""
    with TemporaryDirectory(prefix="nn") as folder, running_platform(Path(folder) / "data") as platform:
        made = Hospital(platform)
        made.open()
        yield made
