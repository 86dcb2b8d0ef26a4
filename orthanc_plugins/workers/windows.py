"""A window for a series that names none.

A viewer takes the window of such a series from the image that it shows first, which may be empty: the brain is then
white on white. It is added to the metadata alone, and says so; the objects stay as they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orthanc_plugins.transcoding.eligibility import Reason, Skipped
from orthanc_plugins.transcoding.source import Source, open_source
from orthanc_plugins.transcoding.windowing import Window, modality_values, window_of
from orthanc_plugins.workers.workshop import Workshop

EXPLANATION = "derived from pixel values of the series"  # LO: 64 characters
WINDOW_CENTER, WINDOW_WIDTH, WINDOW_EXPLANATION = "00281050", "00281051", "00281055"
_VOI_LUT, _PER_FRAME, _SHARED, _FRAME_VOI_LUT = "00283010", "52009230", "52009229", "00289132"
_BITS_STORED, _PHOTOMETRIC_INTERPRETATION = "00280101", "00280004"
_GRAYSCALE = ("MONOCHROME1", "MONOCHROME2")
_IMAGES = 12  # of a series, looked at
_VALUES = 20_000  # of an image, looked at

Item = dict[str, Any]


def add_window(workshop: Workshop, series: str, items: Sequence[Item]) -> None:
    """Give the items of a series (DICOM JSON, by Orthanc's identifier) one window, where none of them names any.

    Images of 8 bits and colour are left as they are: they are made to be shown whole.
    """
    if not items or not all(map(_lacks_window, items)):
        return
    description = workshop.client.get_json(f"/series/{series}")
    if description is None:
        return
    # One that ended an encoder would end this process as well, each time that somebody asks.
    readable = set(description["Instances"]) - workshop.journal.failed(description["Instances"])
    # Orthanc's identifiers are digests: the first of them are anywhere in the volume.
    looked_at = [_values(workshop, instance) for instance in sorted(readable)[:_IMAGES]]
    window = window_of(np.concatenate(looked_at)) if looked_at else None
    if window is not None:
        for item in items:
            item.update(_attributes(window))


def _lacks_window(item: Item) -> bool:
    bits = _first(item, _BITS_STORED)  # a text where the object gives it another VR
    if _first(item, _PHOTOMETRIC_INTERPRETATION) not in _GRAYSCALE or not isinstance(bits, int) or bits <= 8:
        return False
    values = [group for tag in (_SHARED, _PER_FRAME) for group in item.get(tag, {}).get("Value", [])]
    groups = [group for group in values if isinstance(group, dict)]
    return WINDOW_CENTER not in item and _VOI_LUT not in item and not any(_FRAME_VOI_LUT in group for group in groups)


def _first(item: Item, tag: str) -> Any:
    return next(iter(item.get(tag, {}).get("Value", [])), None)


def _values(workshop: Workshop, instance: str) -> NDArray[Any]:
    """Return some values of an instance's middle frame; none where it cannot be read."""
    stored = workshop.client.stored_file(instance, "dicom")
    if stored is None:
        return np.empty(0)
    try:
        with workshop.content(instance, "dicom", stored) as path, open_source(path) as source:
            return _of_middle_frame(source)
    except Skipped:
        return np.empty(0)


def _of_middle_frame(source: Source) -> NDArray[Any]:
    index = source.number_of_frames // 2
    cells = source.frame_array(index)
    try:
        values = modality_values(cells, source.dataset, source.decoded_facts, index)
    except Exception as error:  # pydicom decodes a value when it is asked for, and raises what it likes
        raise Skipped(Reason.BROKEN, f"Modality LUT or padding: {error}") from error
    return values[:: max(values.size // _VALUES, 1)]


def _attributes(window: Window) -> Item:
    return {
        WINDOW_CENTER: {"vr": "DS", "Value": [_short(window.center)]},
        WINDOW_WIDTH: {"vr": "DS", "Value": [_short(window.width)]},
        WINDOW_EXPLANATION: {"vr": "LO", "Value": [EXPLANATION]},
    }


def _short(value: float) -> float:
    """Return a number that fits the sixteen characters of a DS (PS3.5 6.2)."""
    return float(f"{value:.6g}")
