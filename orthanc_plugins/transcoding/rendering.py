"""Frames as pictures for people (PS3.18 8.7.4, 8.3.5.1)."""

from pathlib import Path
from typing import Any, Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from orthanc_plugins.transcoding import transfer_syntax
from orthanc_plugins.transcoding.codestream import Codestream, parse_codestream
from orthanc_plugins.transcoding.decompressing import decompress, reduced
from orthanc_plugins.transcoding.image import ImageFacts
from orthanc_plugins.transcoding.source import Source, open_source
from orthanc_plugins.transcoding.windowing import Window, display_values

Array = NDArray[Any]
MediaType = Literal["image/jpeg", "image/png"]
Size = tuple[int, int]
"""(columns, rows)."""


def render(
    path: Path,
    codestream: bytes | None,
    index: int,
    *,
    media_type: MediaType,
    viewport: Size | None = None,
    window: Window | None = None,
    quality: int = 90,
) -> bytes:
    """Frame `index`, from 0, as JPEG or PNG of 8 bits; `codestream` is its HTJ2K, where there is one.

    The frame fills `viewport` (columns, rows) as far as its aspect ratio lets it (PS3.18 8.3.5.1.3); a
    smaller picture is decoded from the codestream's lower resolutions. `window` (modality units) applies to
    grayscale only, `quality` (1-100) to JPEG only. Raises Skipped for what cannot be decoded, IndexError.
    """
    with open_source(path) as source:
        size = fitted((source.facts.columns, source.facts.rows), viewport)
        cells = _cells(source, codestream, index, size)
        picture = _picture(cells, source.dataset, source.decoded_facts, index, window)
    picture = resized(picture, size)
    if media_type == "image/png":
        return bytes(imagecodecs.png_encode(picture, level=1))
    return bytes(imagecodecs.jpeg8_encode(picture, level=quality))


def fitted(size: Size, viewport: Size | None) -> Size:
    """Largest size of the same aspect ratio inside `viewport`, at least one pixel each way."""
    if viewport is None:
        return size
    (columns, rows), (width, height) = size, viewport
    scale = min(width / columns, height / rows)
    return max(1, round(columns * scale)), max(1, round(rows * scale))


def resized(picture: Array, size: Size) -> Array:
    """Scale 8-bit (rows, columns[, 3]) with a triangle filter as wide as the reduction."""
    columns, rows = size
    if picture.shape[:2] == (rows, columns):
        return np.ascontiguousarray(picture)
    vertical, horizontal = _weights(picture.shape[0], rows), _weights(picture.shape[1], columns)
    samples = np.atleast_3d(picture).transpose(2, 0, 1).astype("f4")
    planes = [vertical @ plane @ horizontal.T for plane in samples]
    scaled = np.clip(np.rint(np.stack(planes, axis=-1)), 0, 255).astype("u1")
    return np.ascontiguousarray(scaled.reshape(rows, columns, *picture.shape[2:]))


def _weights(count: int, wanted: int) -> Array:
    """(wanted, count) weights of each input pixel in each output pixel."""
    step = count / wanted
    centers = (np.arange(wanted)[:, None] + 0.5) * step - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(count)[None, :] - centers.clip(0, count - 1)) / max(step, 1))
    normalised: Array = weights / weights.sum(axis=1, keepdims=True)
    return normalised.astype("f4")


def _cells(source: Source, codestream: bytes | None, index: int, size: Size) -> Array:
    facts = source.decoded_facts
    if codestream is None:
        return source.frame_array(index)
    header = parse_codestream(codestream)
    skipped = _skippable_resolutions(header, facts, size)
    if not skipped or not header.is_reversible or not codestream.startswith(b"\xff\x4f"):
        return decompress(codestream, facts, transfer_syntax.HTJ2K_ANY)
    return reduced(codestream, header, skipped).astype(facts.dtype)


def _skippable_resolutions(header: Codestream, facts: ImageFacts, size: Size) -> int:
    """How many resolutions `size` does not need; none where a mean of cells is no cell (palettes)."""
    if facts.photometric_interpretation == "PALETTE COLOR" or header.precision > facts.bits_stored:
        return 0
    if header.is_signed != bool(facts.pixel_representation):
        return 0
    reduction = min(facts.columns // size[0], facts.rows // size[1])
    return min(max(reduction, 1).bit_length() - 1, header.decomposition_levels)


def _picture(cells: Array, dataset: Dataset, facts: ImageFacts, index: int, window: Window | None) -> Array:
    if facts.photometric_interpretation == "PALETTE COLOR":
        return _eight_bits(apply_color_lut(cells, dataset))
    if facts.samples_per_pixel == 1:
        return display_values(cells, dataset, facts, index, window)
    unused = max(facts.bits_stored - 8, 0)
    samples = (cells >> unused).astype("u1")
    if facts.photometric_interpretation == "YBR_FULL":
        return convert_color_space(samples, "YBR_FULL", "RGB")
    return samples


def _eight_bits(samples: Array) -> Array:
    return samples if samples.dtype.itemsize == 1 else (samples >> 8).astype("u1")
