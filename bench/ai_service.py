"""An Orthanc and an inference service of its own, on an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.inference.service import Inference, running_service
from tests.server import Server, running, settings_for


@contextmanager
def orthanc_and_service() -> Iterator[tuple[Server, Inference]]:
    """Run both for the length of a block."""
    with TemporaryDirectory(prefix="nni") as folder:
        settings = settings_for(Path(folder) / "data")
        with running(Server(settings)) as orthanc, running_service(settings) as service:
            yield orthanc, service
