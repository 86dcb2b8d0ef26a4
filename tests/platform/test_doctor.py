"""`neuronova doctor` beside a platform that runs: its own Orthanc and its own FHIR interface are the peers."""

from __future__ import annotations

import json
import subprocess

import requests

from tests.patience import PATIENCE
from tests.running import NEURONOVA, Platform


def test_what_runs_is_well(platform: Platform) -> None:
    settings = platform.settings
    authorization = {"Authorization": f"Bearer {platform.login()['access_token']}"}
    modality = f"{platform.url}/api/v1/modalities/{settings.aet}"
    targets = f"{platform.url}/api/v1/outbox/targets"
    # It calls itself, by its own title.
    itself = {"host": "127.0.0.1", "port": settings.dicom_port, "operations": ["move"]}
    requests.put(modality, json=itself, headers=authorization, timeout=PATIENCE).raise_for_status()
    platform.post(
        "/api/v1/outbox/targets",
        {"target": "itself", "profile": "fhir-r4", "url": f"{platform.url}/api/v1/fhir", "kinds": ["Device"]},
    )
    try:
        done = subprocess.run(
            [NEURONOVA, "doctor", "--json"],
            env=platform.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    finally:
        requests.delete(modality, headers=authorization, timeout=PATIENCE)
        requests.delete(f"{targets}/itself?drop=true", headers=authorization, timeout=PATIENCE)
    found = {one["name"]: one for one in json.loads(done.stdout)}
    failed = [one for one in found.values() if one["outcome"] == "failed"]
    assert (failed, done.returncode) == ([], 0)
    assert "answers a C-ECHO" in found[f"modality {settings.aet}"]["found"]
    assert found["target itself"]["found"].startswith("speaks FHIR 4.")
    assert found["clock of itself"]["outcome"] == "ok"
    assert found["NEURONOVA_ORTHANC_PORT"]["found"] == f"{settings.orthanc_port}: ours (orthanc)"
    assert {"part orthanc", "part audit", "part outbox", "part inference"} <= found.keys()
