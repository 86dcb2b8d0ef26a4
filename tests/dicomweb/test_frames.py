"""Frames of every kind of image as they come over the wire, decoded independently and compared with the source."""

from __future__ import annotations

import numpy as np
import pytest
import requests
from pydicom import Dataset

from orthanc_plugins.transcoding import transfer_syntax as ts
from tests.access import http
from tests.dicomweb.wire import decoded, instance_path, native, parts
from tests.server import Server
from tests.synthetic import ENCODABLE, IMAGES, OTHERS, RECEIVED, values

HTJ2K = (
    "image/jphc",
    "image/jphc; transfer-syntax=*",
    "application/octet-stream; transfer-syntax=*",
    'multipart/related; type="image/jphc"',
    'multipart/related; type="application/octet-stream"; transfer-syntax=*',
)
EXPLICIT = (
    None,
    "*/*",
    "application/octet-stream",
    'multipart/related; type="application/octet-stream"',
    f"multipart/related; type=application/octet-stream; transfer-syntax={ts.EXPLICIT_VR_LITTLE_ENDIAN}",
)
NEVER = (
    "text/html",
    f"image/jphc; transfer-syntax={ts.JPEG_2000_LOSSLESS}",
    f"application/octet-stream; transfer-syntax={ts.HTJ2K_LOSSLESS_RPCL}",
    f"application/octet-stream; transfer-syntax={ts.EXPLICIT_VR_BIG_ENDIAN}",
)
LOSSLESS = tuple(name for name in IMAGES if name in ENCODABLE)


def get(server: Server, dataset: Dataset, frames: str, accept: str | None) -> requests.Response:
    url = f"{server.dicomweb}/{instance_path(dataset)}/frames/{frames}"
    return http.get(url, headers={"Accept": accept})


@pytest.mark.parametrize("accept", HTJ2K)
@pytest.mark.parametrize("name", LOSSLESS)
def test_htj2k(archive: Server, kinds: dict[str, Dataset], name: str, accept: str) -> None:
    source = values(name)
    answer = get(archive, kinds[name], "1", accept)
    assert answer.status_code == 200, answer.text
    (part,) = parts(answer)
    stored = IMAGES[name].syntax
    assert part.media_type == "image/jphc"
    assert part.transfer_syntax == (stored if name in RECEIVED else ts.HTJ2K_LOSSLESS_RPCL)
    assert np.array_equal(decoded(part.body, source[0]), source[0])
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("accept", EXPLICIT)
@pytest.mark.parametrize("name", LOSSLESS)
def test_explicit(archive: Server, kinds: dict[str, Dataset], name: str, accept: str | None) -> None:
    source = values(name)
    answer = get(archive, kinds[name], "1", accept)
    assert answer.status_code == 200, answer.text
    (part,) = parts(answer)
    assert part.media_type == "application/octet-stream"
    assert part.transfer_syntax == ts.EXPLICIT_VR_LITTLE_ENDIAN
    assert part.body == native(source[0], IMAGES[name].planar)


@pytest.mark.parametrize("accept", NEVER)
@pytest.mark.parametrize("name", ["ct", "rgb_rle", "jpeg_baseline"])
def test_what_cannot_be_given(archive: Server, kinds: dict[str, Dataset], name: str, accept: str) -> None:
    answer = get(archive, kinds[name], "1", accept)
    assert answer.status_code == 406
    assert "application/octet-stream" in answer.json()["Details"]


@pytest.mark.parametrize("name", [name for name in LOSSLESS if IMAGES[name].frames > 1])
@pytest.mark.parametrize(("accept", "htj2k"), [(HTJ2K[4], True), (EXPLICIT[3], False)])
def test_several_frames(archive: Server, kinds: dict[str, Dataset], name: str, accept: str, htj2k: bool) -> None:
    source = values(name)
    answer = get(archive, kinds[name], "3,1", accept)
    assert answer.status_code == 200
    found = parts(answer)
    assert len(found) == 2
    for part, index in zip(found, (2, 0), strict=True):
        assert part.location == f"{archive.dicomweb}/{instance_path(kinds[name])}/frames/{index + 1}"
        if htj2k:
            assert np.array_equal(decoded(part.body, source[index]), source[index])
        else:
            assert part.body == native(source[index], IMAGES[name].planar)


@pytest.mark.parametrize("name", ["ct", "multiframe", "multiframe_rle", "jpeg_baseline"])
@pytest.mark.parametrize("frames", ["0", "99", "1,99"])
@pytest.mark.parametrize("accept", [HTJ2K[4], EXPLICIT[3]])
def test_no_such_frame(archive: Server, kinds: dict[str, Dataset], name: str, frames: str, accept: str) -> None:
    assert get(archive, kinds[name], frames, accept).status_code == 400


def test_no_such_instance(archive: Server, kinds: dict[str, Dataset]) -> None:
    for level in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        other = Dataset()
        other.update(kinds["ct"])
        setattr(other, level, "1.2.3")
        assert get(archive, other, "1", HTJ2K[0]).status_code == 404


@pytest.mark.parametrize("name", ["jpeg_baseline", "jpeg_baseline_rgb", "jpegls_near"])
def test_lossy_as_stored(archive: Server, kinds: dict[str, Dataset], name: str) -> None:
    """What is not encoded comes as it is stored, labelled with what it is, and decoded on request."""
    (part,) = parts(get(archive, kinds[name], "1", HTJ2K[4]))
    assert part.transfer_syntax == kinds[name].file_meta.TransferSyntaxUID
    assert part.body.rstrip(b"\0") in kinds[name].PixelData
    assert get(archive, kinds[name], "1", HTJ2K[0]).status_code == 406
    (part,) = parts(get(archive, kinds[name], "1", EXPLICIT[2]))
    assert part.transfer_syntax == ts.EXPLICIT_VR_LITTLE_ENDIAN
    assert len(part.body) == kinds[name].Rows * kinds[name].Columns * kinds[name].SamplesPerPixel


def test_outcomes(archive: Server) -> None:
    """Each kind that is not encoded is recorded with its reason."""
    assert archive.outcomes() == {
        ("encoded", ""): len(IMAGES),
        ("skipped", "no_pixel_data"): 2,
        ("skipped", "over_16_bit"): 1,
        ("skipped", "float_pixel_data"): 2,
        ("skipped", "one_bit"): 1,
        ("skipped", "subsampled"): 1,
        ("skipped", "video"): 1,
        ("skipped", "whole_slide"): 1,
        ("skipped", "lossy"): 4,
    }
    assert sum(archive.outcomes().values()) == len(IMAGES) + len(OTHERS)
