"""Platforms for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.running import Platform, running_platform


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Return a folder whose name is short: the supervisor's socket lies in it, and a socket's path has its limit."""
    with TemporaryDirectory(prefix="nn") as folder:
        yield Path(folder)


@pytest.fixture
def start_platform(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    """Start platforms that end with the test."""
    with ExitStack() as stack:
        yield lambda name="data", **changes: stack.enter_context(running_platform(tmp_path / name, **changes))


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for the tests that only ask it something."""
    with running_platform(tmp_path_factory.mktemp("platform") / "data") as running:
        yield running
