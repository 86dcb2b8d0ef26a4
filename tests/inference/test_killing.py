"""A service that is killed takes its models with it, and is asked again."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import requests

from tests.inference.service import MODELS, Inference, head_ct, running_service
from tests.server import Server, settings_for, until


def test_a_killed_service_leaves_no_model_and_takes_the_job_again(orthanc: Server, tmp_path: Path) -> None:
    images = head_ct("killed")
    orthanc.send(*images)
    port = {"NEURONOVA_ORTHANC_PORT": str(orthanc.settings.orthanc_port)}
    with running_service(settings_for(tmp_path, NEURONOVA_INFERENCE_MODELS=str(MODELS), **port)) as service:
        for key, model in (("job-hangs", "test-hangs"), ("job-waits", "ct-hyperdensity")):
            assert service.ask(service.request(key, model, images)).status_code == 202
        until(service.children, "the model's process")
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        until(lambda: not service.children(), "the end of the model")
        request = service.request("job-waits", "ct-hyperdensity", images)
        assert until(lambda: _taken(service, request), "the service is back") == 202
        assert service.ended("job-waits")["status"] == "succeeded"
        assert len(list((tmp_path / "run" / "inference").iterdir())) == 1  # nothing is left of before


def _taken(service: Inference, request: dict[str, Any]) -> int | None:
    try:
        return service.ask(request).status_code
    except requests.ConnectionError:
        return None
