"""A whole platform, a head CT in its Orthanc, and what its own plugin would tell of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import requests
from pydicom import Dataset

from cdss_api.accounts.internal import KEY_HEADER
from cdss_api.jobs.masks import folder_of
from cdss_api.modalities.echo import NoAnswer, echo
from neuronova.contract.ai.judged import input_hash, to_json
from neuronova.contract.grants import ModalityChange
from neuronova.contract.inference import uids_hash
from neuronova.platform.parts import answers_tcp
from tests.inference.service import head_ct
from tests.jobs.judging import judged
from tests.patience import PATIENCE
from tests.running import Platform
from tests.server import Server, until


def stored_head(platform: Platform, name: str) -> Sequence[Dataset]:
    """Store a synthetic head CT by C-STORE."""
    images = head_ct(name, bleeding=True)
    platform.allow("MODALITY")
    until(lambda: is_let_in(platform, "MODALITY"), "the modality is let in")
    Server(platform.settings).send(*images)
    return images


def is_let_in(platform: Platform, title: str) -> bool:
    """Tell whether a modality gets an answer to C-ECHO (PS3.4 A)."""
    settings = platform.settings
    # Not before something listens: pynetdicom leaves the sockets of refused connections open.
    if not answers_tcp("127.0.0.1", settings.dicom_port):
        return False
    try:
        orthanc = ModalityChange(title=settings.aet, host="127.0.0.1", port=settings.dicom_port)
        echo(replace(settings, aet=title), orthanc)
    except (NoAnswer, RuntimeError):  # the latter where the association is lost meanwhile
        return False
    return True


def tell_of(platform: Platform, images: Sequence[Dataset], **more: Any) -> str:
    """Tell the API of a stored series as the plugin does; return its UID."""
    uids = [str(one.SOPInstanceUID) for one in images]
    series = judged(
        str(images[0].SeriesInstanceUID),
        study=str(images[0].StudyInstanceUID),
        patient_id=str(images[0].PatientID),
        issuer="",
        instances=len(uids),
        input_hash=input_hash((uid, "0" * 32) for uid in uids),
        uids_hash=uids_hash(uids),
        **more,
    )
    key = (platform.settings.data / "keys" / "plugin.key").read_text()
    url = f"http://127.0.0.1:{platform.settings.api_port}/api/v1/internal/series"
    answer = requests.post(url, json=to_json([series]), headers={KEY_HEADER: key}, timeout=PATIENCE)
    assert answer.json() == {"taken": 1, "refused": 0}, answer.text
    return series.series


def job_of(platform: Platform, series: str) -> dict[str, Any]:
    """Return the one job of a series."""
    platform.bearer()
    (found,) = [one for one in platform.get("/api/v1/jobs").json()["jobs"] if one["series"] == series]
    return dict(found)


def ended(platform: Platform, series: str, deadline: float = 60) -> dict[str, Any]:
    """Wait for the end of a series' job; return it."""

    def look() -> Any:
        job = job_of(platform, series)
        return job if job["ended_at"] is not None else None

    job: dict[str, Any] = until(look, f"the end of the job; {platform.output}", deadline)
    return job


def mask_of(data: Path, job: dict[str, Any]) -> tuple[int, ...]:
    """Return the shape of a job's mask, which lies in the data folder of the worker that had it."""
    with np.load(folder_of(data) / f"{job['id']}.npz", allow_pickle=False) as stored:
        return tuple(stored["mask"].shape)
