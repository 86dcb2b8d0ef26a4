"""A hospital of one run: a platform, an external FHIR server behind faults, a modality, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.emr.conftest import line, server
from tests.running import Platform, running_platform

__all__ = ["line", "server"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: the supervisor's socket lies in it."""
    with TemporaryDirectory(prefix="nn") as name:
        yield Path(name)


@pytest.fixture
def platform(folder: Path) -> Iterator[Platform]:
    with running_platform(folder / "data") as running:
        yield running
