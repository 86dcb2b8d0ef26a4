"""Objects as files, and what an independent decoder reads from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.pixels.utils import pixel_array

from orthanc_plugins.transcoding.composing import compose_htj2k
from orthanc_plugins.transcoding.container import Container, container_file, read_container, read_frame
from tests.synthetic import make, part10

MD5 = "0123456789abcdef0123456789abcdef"


def write(folder: Path, ds: Dataset | str) -> Path:
    """Write an object, or the object of a kind."""
    path = folder / "source.dcm"
    path.write_bytes(part10(make(ds) if isinstance(ds, str) else ds))
    return path


def codestreams(path: Path) -> tuple[Container, list[bytes]]:
    """Read a whole container."""
    with container_file(path) as read:
        container = read_container(read)
        return container, [read_frame(read, container, index) for index in range(container.number_of_frames)]


def composed(source: Path, container: Path, folder: Path) -> Dataset:
    """Compose the HTJ2K object and read it back."""
    target = folder / "composed.dcm"
    with container_file(container) as read:
        compose_htj2k(source, read, target)
    return dcmread(target)


def openjpeg_values(ds: Dataset) -> NDArray[Any]:
    """Decode with OpenJPEG: (frames, rows, columns[, samples])."""
    return with_frames(ds, pixel_array(ds, raw=True, decoding_plugin="pylibjpeg"))


def with_frames(ds: Dataset, array: NDArray[Any]) -> NDArray[Any]:
    """Give an array of one frame its axis of frames."""
    shape = (int(ds.get("NumberOfFrames") or 1), ds.Rows, ds.Columns)
    return array.reshape(shape if ds.SamplesPerPixel == 1 else (*shape, ds.SamplesPerPixel))
