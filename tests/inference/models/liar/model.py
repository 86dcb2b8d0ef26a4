"""Answers a mask with a value that it names nowhere."""

from typing import Any

import numpy as np

from inference.output import Output
from neuronova.contract.inference import Segment


def run(volume: Any) -> Any:
    return Output(mask=np.full(volume.values.shape, 7, np.uint8), segments=(Segment(number=1, label="Brain"),))
