"""Small results, with the images that they are of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from pydicom import Dataset, config

from cdss_api.results.made import Made
from neuronova.contract.inference import Code, Finding, Mask, Measurement, Model, Result, Segment
from tests.inference.service import slices
from tests.jobs.judging import sha

SHAPE = (4, 12, 10)
MODEL = Model(id="ct-hyperdensity", version="1.2", digest=sha("model"))
BRAIN = Code(value="12738006", scheme="SCT", meaning="Brain")
LIMITS = ("It sees blood of 60 HU and more.", "두개저는 평가하지 않음.")
ENDED = datetime(2027, 1, 15, 9, 30, tzinfo=UTC)
JOB_KEY = sha("job")[:32]


def images(name: str = "results", tilt: float = 0.0, **more: Any) -> list[Dataset]:
    """Return the slices of a small CT; with a tilt (degrees) they lie along the table, and lean."""
    with config.disable_value_validation():  # modalities write what no standard allows
        made = slices(name, np.zeros(SHAPE, "i2"), spacing=(5.0, 2.0, 1.0), modality="CT", **more)
    cosine, sine = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    for one in made:
        one.ImageOrientationPatient = [1, 0, 0, 0, round(cosine, 8), round(sine, 8)]
    return made


def finding(image: Dataset, **more: Any) -> Finding:
    """Return a finding 4 mm to the left and 6 mm behind the first voxel of an image."""
    at = [float(one) for one in image.ImagePositionPatient]
    known: dict[str, Any] = {
        "label": "Hyperdense region",
        "measurements": (
            Measurement(name="Volume", value=1.5, unit="mL"),
            Measurement(name="Mean", value=66.25, unit="[hnsf'U]"),
        ),
        "position": (at[0] + 4.0, at[1] + 6.0, at[2]),
        "instance": str(image.SOPInstanceUID),
        "critical": True,
    }
    return Finding(**(known | more))


def result(sources: Sequence[Dataset], **more: Any) -> Result:
    """Return what a model says of some images."""
    segments = (
        Segment(number=1, label="Brain", anatomy=BRAIN, volume=1234.56),
        Segment(number=2, label="Hyperdense region", volume=1.5),
    )
    known: dict[str, Any] = {
        "model": MODEL,
        "measurements": (Measurement(name="Intracranial volume", value=1400.0, unit="mL"),),
        "findings": (finding(sources[1]),),
        "limits": LIMITS,
        "seconds": 2.5,
        "mask": Mask(path="/mask", shape=SHAPE, segments=segments),
    }
    return Result(**(known | more))


def labels() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a mask with both labels, no two slices alike."""
    mask = np.zeros(SHAPE, "u1")
    for at in range(SHAPE[0]):
        mask[at, 2 : 8 + at % 2, 1 : 4 + at] = 1
        mask[at, 3, 2] = 2
    return mask


def made(sources: Sequence[Dataset] | None = None, *, has_mask: bool = True, **more: Any) -> Made:
    """Return a result of some images."""
    found = tuple(images() if sources is None else sources)
    said = result(found, **({} if has_mask else {"mask": None}) | more)
    mask = labels() if has_mask else None
    return Made(job_key=JOB_KEY, rule="ct-head", result=said, ended=ENDED, sources=found, mask=mask)
