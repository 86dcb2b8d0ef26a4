"""A model's result with what it was made from, as everything that is written of it needs it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from neuronova.contract.inference import Result

_RESULTS = uuid.UUID("6d0b2a4e-90a1-4b0e-8f4b-0c5f2a5b7f11")  # our own name space for results


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A result; `sources` are the attributes of the series' images, without pixels, never none.

    Where there is a mask (slices, rows, columns), `sources` are its slices in its order. `ended` is in the hospital's
    zone.
    """

    job_key: str
    rule: str
    result: Result
    ended: datetime
    sources: tuple[Dataset, ...]
    mask: NDArray[np.uint8] | None = None

    def uid(self, of: str) -> str:
        """Return a UID of this job's, always the same (PS3.5 B.2): what is stored twice is stored once."""
        return f"2.25.{uuid.uuid5(_RESULTS, f'{self.job_key}/{of}').int}"

    @property
    def short_digest(self) -> str:
        """The beginning of the model's digest, enough for a person to tell two apart."""
        return self.result.model.digest[:12]
