"""Stored values of a grayscale frame to 8-bit display values (PS3.3 C.11.1, C.11.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from orthanc_plugins.transcoding.image import ImageFacts

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Window:
    """A VOI window in modality units; `function` is LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2)."""

    center: float
    width: float
    function: str = "LINEAR"

    def apply(self, values: Array) -> Array:
        """Map modality values to 0.0 .. 1.0; a width too small for the function becomes a threshold."""
        if self.function == "SIGMOID":
            exponent = np.clip(-4 * (values - self.center) / max(self.width, 1e-6), -700, 700)
            return 1 / (1 + np.exp(exponent))
        exact = self.function == "LINEAR_EXACT"
        center, width = (self.center, self.width) if exact else (self.center - 0.5, self.width - 1)
        return np.clip((values - center) / max(width, 1e-6) + 0.5, 0, 1)


def display_values(cells: Array, dataset: Dataset, facts: ImageFacts, index: int, window: Window | None) -> Array:
    """8-bit display values of a grayscale frame: Modality LUT, then VOI LUT, then polarity.

    `window` stands before the object's own first window or VOI LUT; without any, the frame's own range is
    shown. Only the BitsStored bits up to HighBit of a cell count (PS3.5 8.1.1). Every possible stored value is mapped
    once and the frame looked up.
    """
    codes, modality, used = _looked_up(cells, dataset, facts, index)
    table = _voi(modality, modality[used], functional_group(dataset, index, "FrameVOILUTSequence"), window)
    shape = dataset.get("PresentationLUTShape")
    inverted = facts.photometric_interpretation == "MONOCHROME1" or shape == "INVERSE"
    shown: Array = np.rint(255 * (1 - table if inverted else table)).astype("u1")
    frame: Array = shown[codes]
    return frame


def modality_values(cells: Array, dataset: Dataset, facts: ImageFacts, index: int) -> Array:
    """Values of a grayscale frame in modality units (PS3.3 C.11.1), one after the other, without its padding."""
    codes, modality, used = _looked_up(cells, dataset, facts, index)
    shown: Array = modality[codes[used[codes]]]
    return shown


def window_of(values: Array) -> Window | None:
    """Return a window that shows modality values but the outermost 0.5 % at each end.

    None where they are all one, or beyond what a number can be: JSON has no infinity.
    """
    if not values.size:
        return None
    low, high = (float(end) for end in np.percentile(values, (0.5, 99.5)))
    return Window(center=(low + high + 1) / 2, width=high - low + 1) if 0 < high - low < float("inf") else None


def functional_group(dataset: Dataset, index: int, name: str) -> Dataset:
    """Find the item of `name` for frame `index`, from 0: per frame, shared, or the data set itself."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in [*per_frame[index : index + 1], *shared[:1]]:
        if items := group.get(name):
            return items[0]  # type: ignore[no-any-return]
    return dataset


def _looked_up(cells: Array, dataset: Dataset, facts: ImageFacts, index: int) -> tuple[Array, Array, Array]:
    """Return each cell as a code, and of each code its modality value, and whether it occurs and is no padding."""
    count = 1 << facts.bits_stored
    lowest = max(facts.high_bit - facts.bits_stored + 1, 0)
    codes = cells.astype(facts.dtype, copy=False).view(f"<u{facts.bits_allocated // 8}") >> lowest & (count - 1)
    stored = np.arange(count)
    if facts.pixel_representation:
        stored = np.where(stored < count // 2, stored, stored - count)
    transformation = functional_group(dataset, index, "PixelValueTransformationSequence")
    modality = apply_modality_lut(stored, transformation)
    used = np.zeros(count, bool)
    used[codes] = True
    if "PixelPaddingValue" in dataset:
        used &= stored != dataset.PixelPaddingValue
    return codes, modality, used


def _voi(values: Array, used: Array, dataset: Dataset, window: Window | None) -> Array:
    """Map modality values to 0.0 .. 1.0."""
    if window is None:
        window = _own_window(dataset)
    if window is None and dataset.get("VOILUTSequence"):
        item = dataset.VOILUTSequence[0]
        bits = item.LUTDescriptor[2]
        return np.clip(apply_voi(np.rint(values).astype("i4"), dataset) / float((1 << bits) - 1), 0, 1)
    if window is None:
        low, high = (float(used.min()), float(used.max())) if used.size else (0.0, 0.0)
        window = Window(center=(low + high) / 2, width=high - low, function="LINEAR_EXACT")
    return window.apply(values)


def _own_window(dataset: Dataset) -> Window | None:
    centers, widths = (_first(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centers is None or widths is None:
        return None
    return Window(center=centers, width=widths, function=str(dataset.get("VOILUTFunction") or "LINEAR"))


def _first(value: Any) -> float | None:
    """First of a multi-valued decimal string; None where there is none, or no number."""
    try:
        return float(value if isinstance(value, str | float | int) else value[0])
    except (TypeError, ValueError, IndexError):
        return None
