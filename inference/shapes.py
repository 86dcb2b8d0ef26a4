"""What comes in and goes out, as the service's description tells it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from neuronova.contract.inference import Status
from neuronova.contract.priority import Priority


class Asked(BaseModel):
    """A series by reference (job_key, model, input), or a small array (image_array, modality, metadata)."""

    format: int | None = None
    job_key: str | None = Field(None, description="The same key is the same job.")
    model: dict[str, Any] | None = Field(None, description="id, version, digest")
    input: dict[str, Any] | None = Field(None, description="study, series, dicomweb_root, instances, uids_hash, token")
    priority: Priority | None = None
    deadline: float | None = Field(None, description="Seconds from the start of the model.")
    trace_id: str | None = None
    image_array: Any = Field(None, description="[slice][row][column], numbers in the modality's unit.")
    modality: str | None = Field(None, description="CT, MR or XR")
    metadata: dict[str, Any] | None = Field(
        None, description="PixelSpacing, ImageOrientationPatient, ImagePositionPatient (one for each slice), and more."
    )


class JobState(BaseModel):
    """How far a job is; neuronova/contract/inference.py has what a result is made of."""

    job_key: str
    status: Status
    trace_id: str
    reason: str | None = Field(None, description="A stable code, where it did not end well.")
    detail: str | None = None
    result: dict[str, Any] | None = None
    inference_id: str | None = Field(None, description="Of arrays, as the next two.")
    predictions: list[dict[str, Any]] | None = None
    confidence: float | None = Field(None, ge=0, le=1)


_REFUSED = {
    "404": "No such series for the token, or no such model",
    "409": "The series has changed, the model has another version or digest, or another job has the key",
    "413": "Too large",
    "422": "Not to be understood, or a DICOMweb root that is not allowed",
    "429": "The queue is full: Retry-After says when to ask again",
}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
ASKED: Any = {
    "200": JobState,  # an array's, that is done in time
    "202": JobState,  # Location says where to look
    **{status: {"description": said, "content": _PROBLEM} for status, said in _REFUSED.items()},
}


class JobPath(BaseModel):
    """Which job."""

    job_key: str = Field(min_length=8, max_length=128)
