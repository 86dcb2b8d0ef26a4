"""Composed files are read by others as what was stored."""

from __future__ import annotations

import contextlib
import random
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import parse_basic_offsets
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian

from orthanc_plugins.transcoding import composing
from orthanc_plugins.transcoding.composing import compose_explicit, compose_htj2k
from orthanc_plugins.transcoding.container import container_file
from orthanc_plugins.transcoding.eligibility import Skipped
from orthanc_plugins.transcoding.encoding import encode_file
from tests.synthetic import IMAGES, OTHERS, make, part10, values
from tests.transcoding.files import MD5, composed, openjpeg_values, write

UNDECODABLE = {"video"}


@pytest.mark.parametrize("name", [name for name in IMAGES if "203" not in name])
def test_explicit_files_hold_the_values(name: str, tmp_path: Path) -> None:
    compose_explicit(write(tmp_path, name), tmp_path / "explicit.dcm")
    ds, kind = dcmread(tmp_path / "explicit.dcm"), IMAGES[name]
    cells = values(name)
    expected = (cells.transpose(0, 3, 1, 2) if kind.planar else cells).tobytes()
    assert ds.PixelData == expected + bytes(len(expected) % 2)
    assert ("OB" if kind.allocated == 8 and "implicit" not in name else "OW") == ds["PixelData"].VR
    assert ds.PhotometricInterpretation == kind.photometric
    assert ds.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


@pytest.mark.parametrize("name", sorted(OTHERS.keys() - UNDECODABLE))
def test_explicit_files_of_what_is_not_encoded(name: str, tmp_path: Path) -> None:
    source = write(tmp_path, name)
    compose_explicit(source, tmp_path / "explicit.dcm")
    before, after = dcmread(source), dcmread(tmp_path / "explicit.dcm")
    assert after.SOPInstanceUID == before.SOPInstanceUID
    if not before.file_meta.TransferSyntaxUID.is_compressed:
        assert after == before


def test_video_has_no_explicit_form(tmp_path: Path) -> None:
    with pytest.raises(Skipped, match="video"):
        compose_explicit(write(tmp_path, "video"), tmp_path / "explicit.dcm")


@pytest.mark.parametrize("name", ["u12", "rgb_planar_implicit", "multiframe_big_endian", "u8_deflated", "u12_jpeg70"])
def test_every_other_attribute_is_kept(name: str, tmp_path: Path) -> None:
    ds = make(name)
    ds.ReferencedImageSequence = Sequence([Dataset()])
    ds.ReferencedImageSequence[0].ReferencedSOPInstanceUID = ds.SOPInstanceUID
    ds.add_new(0x00091010, "LO", "private")
    ds.add_new(0xFFFCFFFC, "OB", b"after the pixels")
    source = write(tmp_path, ds)
    before = dcmread(source)
    compose_explicit(source, tmp_path / "explicit.dcm")
    encode_file(source, MD5, tmp_path / "container")
    for after in (dcmread(tmp_path / "explicit.dcm"), composed(source, tmp_path / "container", tmp_path)):
        assert set(after.keys()) == set(before.keys())
        for element in before:
            if element.keyword not in {"PixelData", "PhotometricInterpretation", "PlanarConfiguration"}:
                assert after[element.tag].value == element.value


def test_words_of_a_big_endian_file_are_turned(tmp_path: Path) -> None:
    """The colour tables, an overlay, and a word element inside a sequence."""
    ds = make("palette_big_endian")
    words = struct.pack(">4H", 1, 2, 3, 4)
    ds.add_new(0x60003000, "OW", words)
    ds.ReferencedImageSequence = Sequence([Dataset()])
    ds.ReferencedImageSequence[0].add_new(0x00281201, "OW", words)
    source = write(tmp_path, ds)
    assert dcmread(source).file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    compose_explicit(source, tmp_path / "explicit.dcm")
    after = dcmread(tmp_path / "explicit.dcm")
    assert after[0x60003000].value == struct.pack("<4H", 1, 2, 3, 4)
    assert after.ReferencedImageSequence[0][0x00281201].value == struct.pack("<4H", 1, 2, 3, 4)
    assert after.GreenPaletteColorLookupTableData == make("palette").GreenPaletteColorLookupTableData


@pytest.mark.parametrize("name", ["multiframe", "multiframe_odd", "rgb", "3x5"])
def test_offset_tables_find_the_frames(name: str, tmp_path: Path) -> None:
    source = write(tmp_path, name)
    encode_file(source, MD5, tmp_path / "container")
    data = composed(source, tmp_path / "container", tmp_path).PixelData
    offsets = parse_basic_offsets(data)
    assert len(offsets) == IMAGES[name].frames
    start = 8 + 4 * len(offsets)
    for offset in offsets:
        assert data[start + offset : start + offset + 4] == b"\xfe\xff\x00\xe0"
        assert data[start + offset + 8 : start + offset + 12] == b"\xff\x4f\xff\x51"


def test_beyond_4_gb_the_offset_table_is_extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limit moved down to a few bytes."""
    monkeypatch.setattr(composing, "_MAX_BASIC_OFFSET", 10)
    source = write(tmp_path, "multiframe_odd")
    encode_file(source, MD5, tmp_path / "container")
    ds = composed(source, tmp_path / "container", tmp_path)
    assert parse_basic_offsets(ds.PixelData) == []
    assert len(ds.ExtendedOffsetTable) == len(ds.ExtendedOffsetTableLengths) == 8 * 3
    np.testing.assert_array_equal(openjpeg_values(ds), values("multiframe_odd"))


def test_a_container_of_another_object_is_refused(tmp_path: Path) -> None:
    encode_file(write(tmp_path, "multiframe"), MD5, tmp_path / "container")
    with container_file(tmp_path / "container") as read, pytest.raises(Skipped, match="number of frames"):
        compose_htj2k(write(tmp_path, "u12"), read, tmp_path / "composed.dcm")


@pytest.mark.parametrize("name", ["ct", "multiframe_implicit", "palette_big_endian", "u8_deflated", "u12_jpeg70"])
def test_a_file_with_bytes_changed_is_composed_or_skipped(name: str, tmp_path: Path) -> None:
    whole = part10(make(name))
    path, choice = tmp_path / "changed.dcm", random.Random(3)
    for _ in range(40):
        changed = bytearray(whole)
        for _ in range(3):
            changed[choice.randrange(132, min(len(whole), 1200))] = choice.randrange(256)
        path.write_bytes(changed)
        with warnings.catch_warnings(), contextlib.suppress(Skipped):
            warnings.simplefilter("ignore")  # what pydicom says of such values
            compose_explicit(path, tmp_path / "explicit.dcm")
