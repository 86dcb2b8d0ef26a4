"""What is encoded comes back as it was, for every kind, through a decoder that had no part in it."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from orthanc_plugins.transcoding import encoding
from orthanc_plugins.transcoding.codestream import parse_codestream
from orthanc_plugins.transcoding.eligibility import Mismatch, Skipped
from orthanc_plugins.transcoding.encoding import encode_file, encode_frames
from orthanc_plugins.transcoding.transfer_syntax import HTJ2K_LOSSLESS_RPCL
from tests.synthetic import ENCODABLE, IMAGES, make, values
from tests.transcoding.files import MD5, codestreams, composed, openjpeg_values, write


@pytest.mark.parametrize("name", ENCODABLE)
def test_every_kind_decodes_to_its_values_elsewhere(name: str, tmp_path: Path) -> None:
    source, target = write(tmp_path, name), tmp_path / "container"
    encode_file(source, MD5, target)
    ds = composed(source, target, tmp_path)
    decoded = openjpeg_values(ds)
    assert decoded.dtype == values(name).dtype
    np.testing.assert_array_equal(decoded, values(name))
    rgb = IMAGES[name].photometric == "RGB"
    assert ds.PhotometricInterpretation == ("YBR_RCT" if rgb else IMAGES[name].photometric)
    assert ds.file_meta.TransferSyntaxUID == HTJ2K_LOSSLESS_RPCL


@pytest.mark.parametrize("name", [name for name in ENCODABLE if "_" not in name or "multiframe" in name])
def test_codestreams_meet_ps3_5_10_18(name: str, tmp_path: Path) -> None:
    encode_file(write(tmp_path, name), MD5, tmp_path / "container")
    _, frames = codestreams(tmp_path / "container")
    assert len(frames) == IMAGES[name].frames
    for frame in frames:
        header = parse_codestream(frame)
        assert (header.rows, header.columns) == (IMAGES[name].rows, IMAGES[name].columns)
        assert header.progression == "RPCL"
        assert header.has_tile_part_lengths
        assert header.is_high_throughput
        assert header.is_reversible
        if min(header.rows, header.columns) > 1:  # newer imagecodecs does not decompose a single row
            assert header.base_size <= 64
        assert header.has_component_transform == (IMAGES[name].photometric == "RGB")
        assert header.precision == IMAGES[name].stored
        assert header.is_signed == IMAGES[name].signed


@pytest.mark.parametrize("name", ["u12_dirty", "i12_dirty"])
def test_values_above_bits_stored_are_declared_and_kept(name: str, tmp_path: Path) -> None:
    encode_file(write(tmp_path, name), MD5, tmp_path / "container")
    _, (frame,) = codestreams(tmp_path / "container")
    assert parse_codestream(frame).precision == 16
    np.testing.assert_array_equal(imagecodecs.htj2k_decode(frame), values(name)[0])


def test_encode_frames_gives_those_asked_for_in_their_order(tmp_path: Path) -> None:
    source = write(tmp_path, "multiframe")
    encode_file(source, MD5, tmp_path / "container")
    _, frames = codestreams(tmp_path / "container")
    assert encode_frames(source, [3, 0]) == ([frames[3], frames[0]], 5)
    for index in (-1, 5):
        with pytest.raises(IndexError):
            encode_frames(source, [index])


def test_ready_frames_are_not_encoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path, "multiframe")
    ready, _ = encode_frames(source, range(5))
    monkeypatch.setattr(encoding, "encode_array", None)
    encode_file(source, MD5, tmp_path / "container", ready=dict(enumerate(ready)))
    assert codestreams(tmp_path / "container")[1] == ready


def test_a_codestream_that_decodes_to_something_else_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The encoder is made to err in one cell of the second frame."""
    wrong = values("multiframe")
    wrong[1, 7, 7] ^= 1
    frames = iter(wrong)
    encode = encoding.encode_array
    monkeypatch.setattr(encoding, "encode_array", lambda _array, facts: encode(next(frames), facts))
    with pytest.raises(Mismatch, match="frame 1"):
        encode_file(write(tmp_path, "multiframe"), MD5, tmp_path / "container")
    assert not (tmp_path / "container").exists()


def test_header_says_where_native_frames_lie(tmp_path: Path) -> None:
    source = write(tmp_path, "multiframe_odd")
    header = encode_file(source, MD5, tmp_path / "container").header
    assert header.native is not None
    assert header.source.md5 == MD5
    assert header.source.size == source.stat().st_size
    for index, frame in enumerate(values("multiframe_odd")):
        offset, size = header.native.frame_range(index)
        assert source.read_bytes()[offset : offset + size] == frame.tobytes()


@pytest.mark.parametrize("name", ["u16_big_endian", "u8_deflated", "u8_rle"])
def test_frames_that_do_not_lie_as_they_are_served_are_not_called_native(name: str, tmp_path: Path) -> None:
    assert encode_file(write(tmp_path, name), MD5, tmp_path / "container").header.native is None


def test_a_high_bit_above_bits_stored_keeps_whole_cells(tmp_path: Path) -> None:
    source = write(tmp_path, make("u16", BitsStored=12, HighBit=15))
    encode_file(source, MD5, tmp_path / "container")
    _, (frame,) = codestreams(tmp_path / "container")
    np.testing.assert_array_equal(imagecodecs.htj2k_decode(frame), values("u16")[0])


def test_full_resolution_chroma_labelled_422_is_ybr_full(tmp_path: Path) -> None:
    """Seen from encoders that keep the label of what they got; the codestream is right."""
    source = write(tmp_path, make("ybr_full_j2k", PhotometricInterpretation="YBR_FULL_422"))
    container = encode_file(source, MD5, tmp_path / "container")
    assert container.header.image.photometric_interpretation == "YBR_FULL"
    assert container.header.image.frame_length == values("ybr_full_j2k").nbytes
    ds = composed(source, tmp_path / "container", tmp_path)
    assert ds.PhotometricInterpretation == "YBR_FULL"
    np.testing.assert_array_equal(openjpeg_values(ds), values("ybr_full_j2k"))


def test_nothing_is_left_behind_by_a_skip(tmp_path: Path) -> None:
    with pytest.raises(Skipped):
        encode_file(write(tmp_path, "ybr_422"), MD5, tmp_path / "container")
    assert not (tmp_path / "container").exists()
