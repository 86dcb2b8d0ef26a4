"""What a model gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuronova.contract.inference import Finding, Measurement, Segment


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a model found; `mask` has the volume's shape and the values of `segments`."""

    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    mask: NDArray[np.uint8] | None = None
    segments: tuple[Segment, ...] = ()
    confidence: float | None = None
