"""One Orthanc and one inference service for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.inference.service import MODELS, Inference, running_service
from tests.server import Server, running, settings_for


@pytest.fixture(scope="package")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = settings_for(tmp_path_factory.mktemp("inference"), NEURONOVA_INFERENCE_MODELS=str(MODELS))
    with running(Server(settings)) as server:
        yield server


@pytest.fixture(scope="package")
def service(orthanc: Server) -> Iterator[Inference]:
    with running_service(orthanc.settings) as started:
        yield started
