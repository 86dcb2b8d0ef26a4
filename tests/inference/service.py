"""A real inference service as a process of its own, and what it is asked with."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import requests
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from neuronova.contract.inference import Model, Request, SeriesInput, to_json, uids_hash
from neuronova.contract.priority import Priority
from neuronova.contract.settings import Settings
from neuronova.demo.phantom import head
from neuronova.platform.environment import platform_environment
from neuronova.platform.layout import Layout, make_folders
from neuronova.platform.programs import find_programs
from neuronova.platform.render import commands
from tests.access import everything
from tests.patience import PATIENCE
from tests.server import until
from tests.synthetic import Kind, _describe, _head, _put_pixels, uid

SECRET = "s" * 43
MODELS = Path(__file__).parent / "models"
TRACE = "0123456789abcdef" * 2


@dataclass
class Inference:
    """A started service."""

    settings: Settings
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.inference_port}"

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, headers={"Authorization": f"Bearer {SECRET}"}, timeout=PATIENCE)

    def ask(self, body: dict[str, Any], **headers: str) -> requests.Response:
        known = {"Authorization": f"Bearer {SECRET}"} | headers
        return requests.post(f"{self.url}/api/v1/inference", json=body, headers=known, timeout=PATIENCE)

    def stop(self, key: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {SECRET}"}
        return requests.delete(f"{self.url}/api/v1/inference/{key}", headers=headers, timeout=PATIENCE)

    def model(self, name: str) -> Model:
        found = {one["id"]: one for one in self.get("/models").json()["models"]}[name]
        return Model(id=name, version=found["version"], digest=found["digest"])

    def request(self, key: str, name: str, images: Sequence[Dataset], **changes: Any) -> dict[str, Any]:
        """Return a request for a model on the series that `images` are."""
        uids = [str(one.SOPInstanceUID) for one in images]
        series = SeriesInput(
            study=str(images[0].StudyInstanceUID),
            series=str(images[0].SeriesInstanceUID),
            dicomweb_root=f"{self.settings.orthanc_url}/dicom-web",
            instances=len(uids),
            uids_hash=uids_hash(uids),
            token=everything(),
        )
        known: dict[str, Any] = {"priority": Priority.ROUTINE, "deadline": 100.0, "trace_id": TRACE}
        return to_json(Request(job_key=key, model=self.model(name), input=series, **(known | changes)))

    def ended(self, key: str, deadline: float = 100.0) -> dict[str, Any]:
        """Wait for the end of a job; return its state."""

        def look() -> Any:
            job = self.get(f"/api/v1/inference/{key}").json()
            return job if job["status"] not in ("queued", "running") else None

        job: dict[str, Any] = until(look, f"the end of {key}", deadline)
        return job

    def children(self) -> list[str]:
        """Return the commands of the models' processes on this service's folder."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if "inference.child" in command and str(self.settings.data) in command:
                found.append(command)
        return found


@contextmanager
def running_service(settings: Settings) -> Iterator[Inference]:
    """Run the service as the platform does, with the tests' models."""
    layout, programs = Layout(settings.data), find_programs()
    make_folders(layout)
    settings.inference_secret_file.write_text(SECRET)
    environment = platform_environment(settings, layout, programs)
    command = commands(settings, layout, programs, Path(sys.executable))["inference"]
    with (settings.data / "log" / "inference.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    service = Inference(settings, process)
    try:
        until(lambda: _answers(service), f"the inference service; {log.name}")
        yield service
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(service: Inference) -> bool:
    assert service.process.poll() is None
    try:
        return requests.get(f"{service.url}/ready", timeout=PATIENCE).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def slices(
    name: str, values: np.ndarray[Any, Any], *, spacing: tuple[float, float, float], modality: str, **more: Any
) -> list[Dataset]:
    """Return transverse slices of `values` (feet first), `spacing` in mm between slices, rows, columns."""
    storage = {"CT": CTImageStorage, "MR": MRImageStorage}[modality]
    kind = Kind(rows=values.shape[1], columns=values.shape[2], stored=16, signed=True, modality=modality)
    made = []
    for index, one in enumerate(values):
        ds = _head(f"{name}/{index}", storage, modality, ExplicitVRLittleEndian, patient=name.upper())
        ds.StudyInstanceUID, ds.SeriesInstanceUID = uid(f"study {name}"), uid(f"series {name}")
        ds.FrameOfReferenceUID, ds.InstanceNumber = uid(f"frame {name}"), index + 1
        ds.PixelSpacing, ds.SliceThickness = [spacing[1], spacing[2]], spacing[0]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.ImagePositionPatient = [0, 0, spacing[0] * index]
        ds.RescaleIntercept, ds.RescaleSlope = 0, 1
        _describe(ds, kind)
        for keyword, value in more.items():
            setattr(ds, keyword, value)
        _put_pixels(ds, kind, one.astype("<i2")[None])
        made.append(ds)
    return made


def head_ct(name: str, *, bleeding: bool = False, count: int = 32) -> list[Dataset]:
    """Return a synthetic head CT with slices of 4.5 mm; 1.6 L lie inside its skull."""
    volume = head(count, 160, with_haematoma=bleeding, seed=zlib.crc32(name.encode()))
    return slices(name, volume, spacing=(4.5, 1.15, 1.15), modality="CT")
