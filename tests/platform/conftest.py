"""Platforms for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.running import Platform, running_platform


@pytest.fixture
def start_platform(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    """Start platforms that end with the test."""
    with ExitStack() as stack:
        yield lambda name="data", **changes: stack.enter_context(running_platform(tmp_path / name, **changes))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for the tests that only ask it something."""
    with running_platform(tmp_path_factory.mktemp("platform") / "data") as running:
        yield running
