"""What is asked of an inference service and what it answers: `POST /api/v1/inference`, `GET ../{job_key}`.

Images go by reference: the request names a series and where to fetch it, and how to know that it is still the same one.
`reading_inference.py` makes these from JSON; `to_json` is the way back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from neuronova.contract.priority import Priority

FORMAT = 1
# Sent by who may pass on arrays alone: what names a stored series is refused.
ARRAYS_ONLY = "X-Neuronova-Arrays-Only"
LONGEST_DEADLINE = 3600.0  # seconds
MOST_INSTANCES = 5000  # of one series
MOST_FINDINGS = 200
# Of the Unified Code for Units of Measure; a unit that is not here is a mistake of the model.
UNITS = frozenset({"1", "%", "mm", "mm2", "mm3", "cm3", "mL", "[hnsf'U]", "a", "s"})
JOB_KEY = re.compile(r"[A-Za-z0-9_.-]{8,128}", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
TRACE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)  # W3C Trace Context, 3.2.2.3
UID = re.compile(r"(?=.{1,64}$)(0|[1-9]\d*)(\.(0|[1-9]\d*))+", re.ASCII)  # PS3.5 9.1


class Status(StrEnum):
    """How far a job is; the last four are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    NOT_EVALUABLE = "not_evaluable"  # these images, this model: no result, and there will be none
    FAILED_TRANSIENT = "failed_transient"  # may be asked for again
    FAILED_PERMANENT = "failed_permanent"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in (Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A model, exactly: `digest` is the SHA-256 over its files, as hexadecimal digits."""

    id: str
    version: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesInput:
    """A stored series: `uids_hash` as `uids_hash` below makes it, `token` for this study alone and a short while."""

    study: str
    series: str
    dicomweb_root: str
    instances: int
    uids_hash: str
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A job to do; `deadline` in seconds from its start, `trace_id` is logged with all that is done for it."""

    job_key: str
    model: Model
    input: SeriesInput
    priority: Priority
    deadline: float
    trace_id: str

    @property
    def identity(self) -> tuple[object, ...]:
        """What a second request under the same key must share; a token and a deadline are of one attempt."""
        asked = self.input
        return (self.model, asked.study, asked.series, asked.instances, asked.uids_hash)


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """A coded concept (PS3.3 8.8): `scheme` is a Coding Scheme Designator, as SCT or LN."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """A number with its meaning; `unit` is one of `UNITS`."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something seen: where (mm, patient's coordinates of PS3.3 C.7.6.2.1.1), on which image, and its numbers.

    One that is `critical` has its study read earlier, and people told.
    """

    label: str
    measurements: tuple[Measurement, ...]
    position: tuple[float, float, float] | None = None
    instance: str | None = None  # SOPInstanceUID
    critical: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A value of the mask and what it stands for; `anatomy` is none for what is no anatomical structure.

    `volume` is in mL, None where the model does not say it.
    """

    number: int
    label: str
    anatomy: Code | None = None
    volume: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mask:
    """Where the labels of the voxels are: of the service's own address, `shape` is (slices, rows, columns)."""

    path: str
    shape: tuple[int, int, int]
    segments: tuple[Segment, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What the model says, and within which limits; `confidence` from 0 to 1, None where the model has none."""

    model: Model
    measurements: tuple[Measurement, ...]
    findings: tuple[Finding, ...]
    limits: tuple[str, ...]
    seconds: float
    mask: Mask | None = None
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """The state of a job; `reason` is a stable code and `detail` a sentence where it did not end well."""

    job_key: str
    status: Status
    trace_id: str
    reason: str | None = None
    detail: str | None = None
    result: Result | None = None


def uids_hash(uids: Iterable[str]) -> str:
    """Return the SHA-256, as hexadecimal digits, over the sorted SOPInstanceUIDs with a line feed between two."""
    return hashlib.sha256("\n".join(sorted(uids)).encode("ascii")).hexdigest()


def to_json(message: Request | Result | Job) -> dict[str, Any]:
    """Return what `json.dumps` takes; members without a value are left out."""
    return {"format": FORMAT, **_without_none(asdict(message))}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(one) for name, one in value.items() if one is not None}
    return [_without_none(one) for one in value] if isinstance(value, list | tuple) else value
