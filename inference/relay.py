"""A model of another server that speaks this service's own contract: `POST {url}/api/v1/inference` with the array.

The address, and the file with the secret for it, stand in the operator's model.toml and nowhere else. No UID goes
along, and of the attributes only those that say how the images were made.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import requests
from numpy.typing import NDArray

from inference.inline import MOST_VALUES
from inference.output import Output
from inference.remote import Refused, Unreachable, plain_url, read_answer, session
from inference.volume import NotEvaluable, Volume
from neuronova.contract.inference import Job, Result, Status
from neuronova.contract.reading_inference import BadMessage, read_job

PROTOCOL = "neuronova"
_PATH = "/api/v1/inference"
_CONNECT, _SILENCE = 5.0, 60.0  # seconds
_EVERY = 0.5  # seconds between two looks
_LARGEST_STATE = 4 << 20  # bytes
_FAILED = {Status.FAILED_TRANSIENT: Unreachable, Status.FAILED_PERMANENT: Refused}


@dataclass(frozen=True, slots=True)
class Relay:
    """Where the model is, under which id, and the file with the bearer secret, if one is asked for."""

    url: str
    name: str
    secret_file: Path | None


def read_relay(known: Mapping[str, Any]) -> Relay:
    """Return what `[server]` of a model.toml says.

    Raises:
        KeyError, TypeError, ValueError: it lacks something, or is odd.
    """
    server = known["server"]
    secret = server.get("secret_file")
    return Relay(plain_url(server["url"]), str(server["name"]), None if secret is None else Path(str(secret)))


def runner(
    relay: Relay, modality: str, deadline: float, clock: Callable[[], float] = time.monotonic
) -> Callable[[Volume], Output]:
    """Return what a model.py's `run` would be; it ends within `deadline` seconds."""

    def run(volume: Volume) -> Output:
        if volume.attributes.get("Modality") != modality:
            raise NotEvaluable("wrong_modality", f"This model takes {modality}.")
        if volume.values.size > MOST_VALUES:
            raise NotEvaluable("too_large", "The volume has more voxels than may be sent to the server.")
        try:
            return _Asking(relay, clock() + deadline, clock).output(volume)
        except requests.RequestException as error:
            raise Unreachable(type(error).__name__) from None
        except BadMessage as odd:
            raise Refused(f"The server's answer: {odd}") from None

    return run


@dataclass(frozen=True, slots=True)
class _Asking:
    relay: Relay
    end: float
    clock: Callable[[], float]

    def output(self, volume: Volume) -> Output:
        job = self._job(self._ask("POST", _PATH, _body(self.relay, volume), _LARGEST_STATE))
        path = f"{_PATH}/{job.job_key}"
        while not job.status.ended:
            if self.clock() + _EVERY > self.end:
                raise Unreachable("no end in time")
            time.sleep(_EVERY)
            job = self._job(self._ask("GET", path, None, _LARGEST_STATE))
        if job.status is Status.NOT_EVALUABLE:
            raise NotEvaluable(job.reason or "not_evaluable", job.detail or "The server cannot evaluate it.")
        if job.result is None:
            raise _FAILED.get(job.status, Refused)(f"The server's job ended: {job.reason or job.status.value}")
        return self._output(job.result, path, volume)

    def _output(self, result: Result, path: str, volume: Volume) -> Output:
        if result.mask is None:
            return Output(measurements=result.measurements, findings=result.findings, confidence=result.confidence)
        packed = self._ask("GET", f"{path}/mask", None, volume.values.size + (1 << 24))
        return Output(
            measurements=result.measurements,
            findings=result.findings,
            mask=mask_of(packed, volume.values.shape),
            segments=result.mask.segments,
            confidence=result.confidence,
        )

    def _job(self, body: bytes) -> Job:
        try:
            return read_job(json.loads(body))
        except (ValueError, RecursionError) as error:
            if isinstance(error, BadMessage):
                raise
            raise Refused("The server's answer is no JSON") from None

    def _ask(self, method: str, path: str, body: bytes | None, most: int) -> bytes:
        headers = {"Content-Type": "application/json", "Prefer": "wait=20"}
        if self.relay.secret_file is not None:
            headers["Authorization"] = f"Bearer {self.relay.secret_file.read_text().strip()}"
        times = (_CONNECT, min(_SILENCE, max(self.end - self.clock(), 0.1)))
        url = self.relay.url + path
        with (
            session() as asking,
            asking.request(
                method, url, data=body, headers=headers, timeout=times, allow_redirects=False, stream=True
            ) as answer,
        ):
            if answer.status_code == 413:
                raise NotEvaluable("too_large", "The server takes no array of this size.")
            return read_answer(answer, most, self.end, self.clock)


def mask_of(packed: bytes, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the mask in an npz.

    Raises:
        Refused: it has none of this shape, of bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            if archive.getinfo("mask.npy").file_size > int(np.prod(shape)) + 4096:
                raise Refused("The mask is larger than the volume")
        with np.load(io.BytesIO(packed), allow_pickle=False) as found:
            mask = np.asarray(found["mask"])
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        raise Refused("The server's answer is no mask") from None
    if mask.dtype != np.uint8 or mask.shape != shape:
        raise Refused("The mask has another shape than the volume")
    return mask


def _body(relay: Relay, volume: Volume) -> bytes:
    attributes = {name: value for name, value in volume.attributes.items() if name != "Modality"}
    geometry = {
        "PixelSpacing": list(volume.spacing),
        "ImageOrientationPatient": [*volume.row.tolist(), *volume.column.tolist()],
        "ImagePositionPatient": volume.positions.tolist(),
    }
    asked = {
        "image_array": volume.values.tolist(),
        "modality": volume.attributes["Modality"],
        "metadata": attributes | geometry,
        "model": {"id": relay.name},
    }
    return json.dumps(asked).encode()
