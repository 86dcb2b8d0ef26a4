"""An Orthanc of a test's own that judges series."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ai.api import Judging, receiver, server_in
from tests.server import running


@pytest.fixture
def judging(tmp_path: Path) -> Iterator[Callable[..., Judging]]:
    """Start an Orthanc with settings of the test's, and a receiver in the API's place."""
    with ExitStack() as stack:

        def start(**settings: str) -> Judging:
            server = server_in(tmp_path / "data", **settings)
            api = stack.enter_context(receiver(server))
            return Judging(stack.enter_context(running(server)), api)

        yield start
