"""Answers a mask of all voxels, as soon as there is no file `held` above its folder."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from inference.output import Output
from neuronova.contract.inference import Measurement, Segment

_HELD = Path(__file__).parents[2] / "held"


def run(volume: Any) -> Any:
    while _HELD.exists():
        time.sleep(0.02)
    size = float(volume.values.size)
    return Output(
        measurements=(Measurement(name="Voxels", value=size, unit="1"),),
        mask=np.ones(volume.values.shape, np.uint8),
        segments=(Segment(number=1, label="Everything", volume=size),),
    )
