"""How soon a change of who may see what holds at Orthanc, on a whole platform."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import requests

from bench.images import head_ct
from bench.report import Detail, Result, Row
from tests.running import running_platform
from tests.synthetic import part10

ROUNDS = 20
LIMIT = 1.0  # second


def measure(quick: bool) -> Iterator[Result]:
    """Yield seconds from the API's answer to the moment from which Orthanc refuses, and from which it answers."""
    image = head_ct()[0]
    patient = {"patient_id": str(image.PatientID), "issuer": str(image.get("IssuerOfPatientID", ""))}
    with TemporaryDirectory(prefix="nne") as folder, running_platform(Path(folder) / "data") as platform:
        admin = _bearer(platform.login()["access_token"])
        stored = requests.post(f"{platform.url}/orthanc/instances", data=part10(image), headers=admin, timeout=60)
        stored.raise_for_status()
        doctor = platform.add_user("doctor", "doctor")
        login = platform.login("doctor")
        own = _bearer(login["access_token"])
        grants = f"{platform.url}/api/v1/users/{doctor}/grants"
        study = f"{platform.url}/dicom-web/studies/{image.StudyInstanceUID}/metadata"

        def until(status: int) -> float:
            began = time.perf_counter()
            while requests.get(study, headers=own, timeout=10).status_code != status:
                if time.perf_counter() - began > 30:
                    raise RuntimeError(f"no {status} within 30 s")
            return time.perf_counter() - began

        def change(send: Callable[..., requests.Response], status: int, **more: Any) -> float:
            send(grants, headers=admin, timeout=10, **more).raise_for_status()
            return until(status)

        given, taken = [], []
        for _ in range(3 if quick else ROUNDS):
            given.append(change(requests.post, 200, json=patient))
            taken.append(change(requests.delete, 404, params=patient))
        given.append(change(requests.post, 200, json=patient))
        leaving = {"refresh_token": login["refresh_token"]}
        left = requests.post(f"{platform.url}/api/v1/auth/logout", json=leaving, headers=own, timeout=10)
        left.raise_for_status()
        ended = until(401)
    worst = max(*given, *taken, ended)
    yield Row(
        what="from taking a permission to the first refusal, p50",
        against="1 s",
        ours=median(taken),
        peer=LIMIT,
        unit="s",
        ratio=LIMIT / median(taken),
        target=1.0,
        note=f"(the slowest of {len(given) + len(taken) + 1} changes: {worst:.3f} s)",
    )
    yield Detail(
        f"From giving a permission to the first answer, p50: {median(given):.3f} s; from logging out to the first"
        f" refusal: {ended:.3f} s."
    )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
