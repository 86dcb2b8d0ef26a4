"""Stored objects: their cells, why some get no HTJ2K, and what broken files do."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array

from orthanc_plugins.transcoding.decoding import raw_frame
from orthanc_plugins.transcoding.decompressing import decompress
from orthanc_plugins.transcoding.eligibility import Reason, Skipped
from orthanc_plugins.transcoding.encoding import encode_file
from orthanc_plugins.transcoding.image import ImageFacts
from orthanc_plugins.transcoding.source import open_source
from tests.synthetic import IMAGES, OTHERS, encoded_frame, make, part10, values
from tests.transcoding.files import MD5, with_frames, write

SKIPPED = {
    "sr": Reason.NO_PIXEL_DATA,
    "pdf": Reason.NO_PIXEL_DATA,
    "dose32": Reason.OVER_16_BIT,
    "float_map": Reason.FLOAT_PIXEL_DATA,
    "double_map": Reason.FLOAT_PIXEL_DATA,
    "one_bit": Reason.ONE_BIT,
    "ybr_422": Reason.SUBSAMPLED,
    "video": Reason.VIDEO,
    "whole_slide": Reason.WHOLE_SLIDE,
    "jpeg_baseline": Reason.LOSSY,
    "jpeg_baseline_rgb": Reason.LOSSY,
    "jpegls_near": Reason.LOSSY,
    "j2k_lossy": Reason.LOSSY,
    "u8_htj2k203": Reason.LOSSY,
}


def test_every_other_kind_has_its_reason() -> None:
    assert SKIPPED.keys() >= OTHERS.keys()


@pytest.mark.parametrize(("name", "reason"), SKIPPED.items())
def test_skipped_for_its_reason(name: str, reason: Reason, tmp_path: Path) -> None:
    with pytest.raises(Skipped) as skipped:
        encode_file(write(tmp_path, name), MD5, tmp_path / "container")
    assert skipped.value.reason is reason
    assert skipped.value.detail


ODD_ATTRIBUTES = [
    ({"Rows": 0}, Reason.BROKEN),
    ({"BitsStored": 17}, Reason.BROKEN),
    ({"HighBit": 16}, Reason.BROKEN),
    ({"HighBit": 3}, Reason.BROKEN),
    ({"PixelRepresentation": 2}, Reason.BROKEN),
    ({"SamplesPerPixel": 2, "Columns": 1}, Reason.BROKEN),
    ({"PhotometricInterpretation": "RGB"}, Reason.BROKEN),
    ({"Columns": 41}, Reason.BROKEN),
    ({"NumberOfFrames": 2}, Reason.BROKEN),
    ({"NumberOfFrames": -1}, Reason.BROKEN),
    ({"Rows": None}, Reason.BROKEN),
    ({"Modality": "SM"}, Reason.WHOLE_SLIDE),
]


@pytest.mark.parametrize(("attributes", "reason"), ODD_ATTRIBUTES)
def test_attributes_that_contradict_the_pixels(attributes: dict[str, object], reason: Reason, tmp_path: Path) -> None:
    with pytest.raises(Skipped) as skipped:
        encode_file(write(tmp_path, make("u12", **attributes)), MD5, tmp_path / "container")
    assert skipped.value.reason is reason


def test_a_codestream_of_another_size_than_the_object(tmp_path: Path) -> None:
    for name in ("u8_j2k", "u8_jpegls", "u8_jpeg70", "u8_rle"):
        with pytest.raises(Skipped, match="broken"):
            encode_file(write(tmp_path, make(name, Rows=4000, Columns=4000)), MD5, tmp_path / "container")


def test_frames_beyond_the_limit_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    with pytest.raises(Skipped) as skipped:
        encode_file(write(tmp_path, make("u8_rle", Rows=65535, Columns=65535)), MD5, tmp_path / "container")
    assert skipped.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("name", [name for name in IMAGES if "203" not in name])
def test_cells_and_explicit_frames(name: str, tmp_path: Path) -> None:
    path, kind = write(tmp_path, name), IMAGES[name]
    for index, frame in enumerate(values(name)):
        with open_source(path) as source:
            array = source.frame_array(index)
        assert array.dtype == frame.dtype
        np.testing.assert_array_equal(array, frame)
        cells = frame.transpose(2, 0, 1) if kind.planar else frame
        assert raw_frame(path, index) == cells.tobytes()
    with pytest.raises(IndexError):
        raw_frame(path, kind.frames)


WHEEL = [
    "JPEG2000.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_jp2klossless.dcm", "image_dfl.dcm",
    "SC_rgb_rle_2frame.dcm", "SC_rgb_rle_16bit_2frame.dcm",
    "SC_rgb_small_odd_big_endian.dcm", "examples_palette.dcm",
]  # fmt: skip


@pytest.mark.parametrize("name", WHEEL)
def test_files_of_other_makers_decode_as_pydicom_decodes_them(name: str) -> None:
    path = Path(str(get_testdata_file(name)))
    with open_source(path) as source:
        ours = np.stack([source.frame_array(index) for index in range(source.number_of_frames)])
    ds = dcmread(path)
    np.testing.assert_array_equal(ours, with_frames(ds, pixel_array(ds, raw=True)))


def test_frames_of_single_bits_begin_at_bit_0(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 2, 3 * 5 * 7, dtype="u1").reshape(3, -1)
    path = write(tmp_path, "one_bit")
    for index in range(3):
        assert raw_frame(path, index) == np.packbits(bits[index], bitorder="little").tobytes()


@pytest.mark.parametrize("name", ["u12", "i16_implicit", "u8_deflated", "u12_jpeg70", "u8_j2k", "u8_rle", "u8_jpegls"])
def test_a_file_cut_off_anywhere_is_broken(name: str, tmp_path: Path) -> None:
    whole = part10(make(name))
    path = tmp_path / "cut.dcm"
    start = random.Random(1)
    for size in {0, 1, 131, 140, len(whole) - 9, *(start.randrange(len(whole) - 9) for _ in range(25))}:
        path.write_bytes(whole[:size])
        with warnings.catch_warnings(), pytest.raises(Skipped) as skipped:
            warnings.simplefilter("ignore")  # what pydicom says of a file that it can hardly read
            encode_file(path, MD5, tmp_path / "container")
        assert skipped.value.reason in {Reason.BROKEN, Reason.NO_PIXEL_DATA}


# imagecodecs loses what OpenJPH raises on the way out of its own C code; what it leaves undecoded is found by us.
@pytest.mark.filterwarnings("ignore:Exception ignored in. 'imagecodecs:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["u12", "u8_deflated", "u12_jpeg70", "u8_j2k", "u8_rle", "u8_jpegls", "u8_htj2k202"])
def test_a_file_with_bytes_changed_raises_nothing_else(name: str, tmp_path: Path) -> None:
    whole = part10(make(name))
    path, choice = tmp_path / "changed.dcm", random.Random(2)
    for _ in range(30):
        changed = bytearray(whole)
        for _ in range(3):
            changed[choice.randrange(132, len(whole))] = choice.randrange(256)
        path.write_bytes(changed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what pydicom says of such values
            try:
                encode_file(path, MD5, tmp_path / "container")
            except Skipped as skipped:
                assert skipped.reason is not Reason.MISMATCH


@pytest.mark.parametrize("has_offsets", [True, False])
def test_frames_of_several_fragments(has_offsets: bool, tmp_path: Path) -> None:
    name = "multiframe_jpeg70"
    frames = [encoded_frame(frame, IMAGES[name]) for frame in values(name)]
    ds = make(name)
    ds.PixelData = encapsulate(frames, fragments_per_frame=3, has_bot=has_offsets)
    path = write(tmp_path, ds)
    with open_source(path) as source:
        for index, frame in enumerate(values(name)):
            np.testing.assert_array_equal(source.frame_array(index), frame)
            assert source.frame_bytes(index).rstrip(b"\0") == frames[index].rstrip(b"\0")


def test_fragments_that_cannot_be_told_apart_are_broken(tmp_path: Path) -> None:
    ds = make("multiframe_rle")
    frames = [encoded_frame(frame, IMAGES["multiframe_rle"]) for frame in values("multiframe_rle")]
    ds.PixelData = encapsulate(frames, fragments_per_frame=2, has_bot=False)
    with pytest.raises(Skipped, match="10 fragments for 5 frames"), open_source(write(tmp_path, ds)):
        pass


def test_text_is_no_dicom_file(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no DICOM file" * 100)
    with pytest.raises(Skipped, match="broken"), open_source(tmp_path / "text"):
        pass


@pytest.mark.filterwarnings("ignore:Exception ignored in. 'imagecodecs:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["u8_htj2k202", "i12_htj2k201", "rgb_htj2k202"])
def test_a_damaged_htj2k_codestream_never_decodes_to_what_memory_held(name: str) -> None:
    data = encoded_frame(values(name)[0], IMAGES[name])
    kind = IMAGES[name]
    facts = ImageFacts(
        rows=kind.rows,
        columns=kind.columns,
        samples_per_pixel=kind.samples,
        bits_allocated=kind.allocated,
        bits_stored=kind.stored,
        high_bit=kind.stored - 1,
        pixel_representation=int(kind.signed),
        photometric_interpretation=kind.photometric,
        planar_configuration=0,
    )
    with pytest.raises(Skipped, match="broken"):
        decompress(data[: len(data) // 2], facts, kind.syntax)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("jpeg_baseline", "u8"), ("jpeg_baseline_rgb", "rgb"), ("jpegls_near", "u8"), ("j2k_lossy", "u8")],
)
def test_lossy_frames_are_decoded_for_those_who_ask(name: str, expected: str, tmp_path: Path) -> None:
    decoded = np.frombuffer(raw_frame(write(tmp_path, name), 0), "u1").reshape(values(expected)[0].shape)
    assert np.abs(decoded.astype("i4") - values(expected)[0]).mean() < 8
