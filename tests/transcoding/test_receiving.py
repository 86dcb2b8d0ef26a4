"""Objects that arrive in HTJ2K: a copy that everyone can decode, the codestreams as they came."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels.utils import pixel_array

from orthanc_plugins.transcoding.eligibility import Mismatch, Skipped
from orthanc_plugins.transcoding.receiving import decodable_copy, received_container
from tests.synthetic import IMAGES, RECEIVED, encoded_frame, values
from tests.transcoding.files import MD5, codestreams, composed, openjpeg_values, with_frames, write


@pytest.mark.parametrize("name", RECEIVED)
def test_copy_decodes_and_codestreams_are_byte_identical(name: str, tmp_path: Path) -> None:
    received, copy, target = write(tmp_path, name), tmp_path / "copy.dcm", tmp_path / "container"
    decodable_copy(received, copy)
    ds = dcmread(copy)
    sent = dcmread(received)
    assert ds.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert ds.SOPInstanceUID == sent.SOPInstanceUID
    assert ds.PhotometricInterpretation == IMAGES[name].photometric
    decoded = with_frames(ds, pixel_array(ds, raw=True))
    if "203" in name:  # lossy: not beyond BitsStored, and near the source
        low, high = (int(end(values(name))) for end in (np.min, np.max))
        np.testing.assert_array_equal(decoded, openjpeg_values(sent).clip(low, high))
        np.testing.assert_allclose(decoded.astype("i4"), values(name), atol=4)
    else:
        np.testing.assert_array_equal(decoded, values(name))
    container = received_container(received, copy, MD5, target)
    assert container.header.transfer_syntax == IMAGES[name].syntax
    frames = [encoded_frame(frame, IMAGES[name]) for frame in values(name)]
    stored = codestreams(target)[1]
    assert [frame[: len(sent_frame)] for frame, sent_frame in zip(stored, frames, strict=True)] == frames
    assert all(len(frame) - len(sent_frame) < 2 for frame, sent_frame in zip(stored, frames, strict=True))
    back = composed(copy, target, tmp_path)
    assert back.PhotometricInterpretation == sent.PhotometricInterpretation
    np.testing.assert_array_equal(openjpeg_values(back), openjpeg_values(sent))


@pytest.mark.parametrize("name", ["ct", "u8_j2k"])
def test_other_transfer_syntaxes_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Skipped):
        decodable_copy(write(tmp_path, name), tmp_path / "copy.dcm")


def test_a_copy_with_other_pixels_is_not_published(tmp_path: Path) -> None:
    received, copy = write(tmp_path, "u12_htj2k202"), tmp_path / "copy.dcm"
    decodable_copy(received, copy)
    data = bytearray(copy.read_bytes())
    data[-100] ^= 1
    copy.write_bytes(data)
    with pytest.raises(Mismatch):
        received_container(received, copy, MD5, tmp_path / "container")
    assert not (tmp_path / "container").exists()
