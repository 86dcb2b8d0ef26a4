"""A model that runs on somebody else's server: the Open Inference Protocol, version 2, as KServe and Triton speak it.

`POST {url}/v2/models/{name}/infer` with one FP32 tensor (1, 1, slices, rows, columns), answered by one tensor of the
same shape, or without the leading ones, whose whole numbers are the mask's values. The address stands in the operator's
model.toml and nowhere else. Nothing that says who the patient is goes along: no UID, no attribute, only values.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import requests
from numpy.typing import NDArray

from inference.output import Output
from inference.volume import NotEvaluable, Volume
from neuronova.contract.inference import Code, Measurement, Segment
from neuronova.trying import is_passing

PROTOCOL = "kserve-v2"
MOST_VALUES, MOST_IN_JSON = 128 << 20, 8 << 20
_MOST_BYTES_A_VALUE = 8  # of an answer
_HEADER = "Inference-Header-Content-Length"  # of the extension for binary tensors
_CONNECT, _SILENCE = 5.0, 60.0  # seconds
_TYPES = {"UINT8": "u1", "INT8": "i1", "INT16": "<i2", "UINT16": "<u2", "INT32": "<i4", "INT64": "<i8", "FP32": "<f4"}


class Unreachable(Exception):
    """The server did not answer, or not now; another attempt may succeed."""


class Refused(Exception):
    """The server refused, or answered what is no mask; another attempt would end as this."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the model is, and what its mask's values stand for."""

    url: str
    name: str
    binary: bool
    segments: tuple[Segment, ...]


def read_remote(known: Mapping[str, Any]) -> Remote:
    """Return what `[server]` and `[[segments]]` of a model.toml say.

    Raises:
        KeyError, TypeError, ValueError: they lack something, or it is odd.
    """
    server = known["server"]
    segments = tuple(
        Segment(
            number=int(one["number"]),
            label=str(one["label"]),
            anatomy=Code(**one["anatomy"]) if "anatomy" in one else None,
        )
        for one in known["segments"]
    )
    if not segments or not all(0 < one.number < 256 for one in segments):
        raise ValueError("segments has no numbers from 1 to 255")
    return Remote(plain_url(server["url"]), str(server["name"]), bool(server.get("binary", False)), segments)


def plain_url(given: Any) -> str:
    """Return an address without a slash at its end; raises ValueError for what is no plain http or https address."""
    url = urlsplit(str(given))
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.query or url.fragment:
        raise ValueError("server.url is no plain http or https address")
    return url.geturl().rstrip("/")


def runner(
    remote: Remote, modality: str, deadline: float, clock: Callable[[], float] = time.monotonic
) -> Callable[[Volume], Output]:
    """Return what a model.py's `run` would be; it ends within `deadline` seconds."""

    def run(volume: Volume) -> Output:
        if volume.attributes.get("Modality") != modality:
            raise NotEvaluable("wrong_modality", f"This model takes {modality}.")
        if volume.values.size > (MOST_VALUES if remote.binary else MOST_IN_JSON):
            raise NotEvaluable("too_large", "The volume has more voxels than may be sent to the server.")
        mask = mask_of(*_asked(remote, volume, clock() + deadline, clock), volume.values.shape)
        if not set(np.unique(mask).tolist()) <= {0, *(one.number for one in remote.segments)}:
            raise Refused("The mask has values that are no segments")
        return _output(remote, volume, mask)

    return run


def _output(remote: Remote, volume: Volume, mask: NDArray[np.uint8]) -> Output:
    found = []
    for one in remote.segments:
        millilitres = float((mask == one.number).sum((1, 2)) @ volume.voxel_volumes) / 1000
        found.append(Segment(number=one.number, label=one.label, anatomy=one.anatomy, volume=round(millilitres, 1)))
    measurements = tuple(Measurement(name=f"{one.label} volume", value=one.volume or 0.0, unit="mL") for one in found)
    return Output(measurements=measurements, mask=mask, segments=tuple(found))


def _asked(remote: Remote, volume: Volume, end: float, clock: Callable[[], float]) -> tuple[bytes, int | None]:
    """Return the answer's bytes, and how many of them are JSON where the rest is binary."""
    tensor: dict[str, Any] = {"name": "image", "shape": [1, 1, *volume.values.shape], "datatype": "FP32"}
    wanted = {"name": "mask", "parameters": {"binary_data": remote.binary}}
    pixels = np.ascontiguousarray(volume.values, "<f4")
    more = {"parameters": {"binary_data_size": pixels.nbytes}} if remote.binary else {"data": pixels.ravel().tolist()}
    head = json.dumps({"inputs": [tensor | more], "outputs": [wanted]}).encode()
    kind = "application/octet-stream" if remote.binary else "application/json"
    headers = {"Content-Type": kind} | ({_HEADER: str(len(head))} if remote.binary else {})
    url = f"{remote.url}/v2/models/{quote(remote.name, safe='')}/infer"
    limit = volume.values.size * _MOST_BYTES_A_VALUE + (1 << 20)
    try:
        with (
            session() as asking,
            asking.post(
                url,
                data=head + pixels.tobytes() if remote.binary else head,
                headers=headers,
                timeout=(_CONNECT, min(_SILENCE, max(end - clock(), 0.1))),
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            found, told = read_answer(answer, limit, end, clock), answer.headers.get(_HEADER)
            return found, int(told) if told is not None and told.isdecimal() else None
    except requests.RequestException as error:
        raise Unreachable(type(error).__name__) from None


def read_answer(answer: requests.Response, most: int, end: float, clock: Callable[[], float]) -> bytes:
    """Return the body of an answer that says yes, at most `most` bytes, before `end`.

    Raises:
        Unreachable: it says that another attempt may succeed, or is not whole in time.
        Refused: it says anything else, or is too large.
    """
    if is_passing(answer.status_code):
        raise Unreachable(f"HTTP {answer.status_code}")
    if answer.status_code not in (200, 202):
        raise Refused(f"The server answered HTTP {answer.status_code}")
    found = bytearray()
    for chunk in answer.iter_content(1 << 16):
        found += chunk
        if len(found) > most:
            raise Refused("The server's answer is too large")
        if clock() > end:
            raise Unreachable("no whole answer in time")
    return bytes(found)


def session() -> requests.Session:
    """Return a session that asks as model.toml says, and by nothing of the account that runs this."""
    made = requests.Session()
    made.trust_env = False
    return made


def mask_of(body: bytes, head: int | None, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the mask that an answer has; `head` is how many of its bytes are JSON, None where all are.

    Raises:
        Refused: it has none of this shape, of whole numbers from 0 to 255.
    """
    try:
        (output,) = (one for one in json.loads(body[:head])["outputs"] if one["name"] == "mask")
        kind, size = np.dtype(_TYPES[output["datatype"]]), int(np.prod(shape))
        if [one for one in output["shape"][:-3] if one != 1] or tuple(output["shape"][-3:]) != shape:
            raise Refused("The mask has another shape than the volume")
        if head is None:
            values = np.array(output["data"], dtype=np.float64).ravel()
        elif (
            output["parameters"]["binary_data_size"] != size * kind.itemsize or len(body) != head + size * kind.itemsize
        ):
            raise Refused("The mask has another number of bytes than it says")
        else:
            values = np.frombuffer(body, kind, size, head)
        if values.size != size or not ((values >= 0) & (values <= 255) & (values == np.floor(values))).all():
            raise Refused("The mask is not of whole numbers from 0 to 255")
        return values.astype(np.uint8).reshape(shape)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise Refused("The server's answer is no mask") from None
