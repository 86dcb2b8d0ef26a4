"""Pictures against values computed here, step by step, from the standard's formulae."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from orthanc_plugins.transcoding.encoding import encode_frames
from orthanc_plugins.transcoding.rendering import fitted, render
from orthanc_plugins.transcoding.source import open_source
from orthanc_plugins.transcoding.windowing import Window, modality_values, window_of
from tests.synthetic import IMAGES, make, values
from tests.transcoding.files import write


def png(path: Path, codestream: bytes | None = None, index: int = 0, **options: Any) -> NDArray[Any]:
    return imagecodecs.png_decode(render(path, codestream, index, media_type="image/png", **options))


def linear(stored: NDArray[Any], center: float, width: float) -> NDArray[Any]:
    """PS3.3 C.11.2.1.2.1, branch by branch."""
    x = stored.astype("f8")
    shown = ((x - (center - 0.5)) / (width - 1) + 0.5) * 255
    shown = np.where(x <= center - 0.5 - (width - 1) / 2, 0, shown)
    return np.where(x > center - 0.5 + (width - 1) / 2, 255, shown)


def same(picture: NDArray[Any], expected: NDArray[Any]) -> None:
    """Equal up to the rounding of halves."""
    np.testing.assert_allclose(picture.astype("f8"), expected, atol=0.5001)


@pytest.mark.parametrize(
    "name", ["u8", "i8", "u12", "i12", "i16", "u12_dirty", "i12_dirty", "i12_jpeg70", "u16_big_endian"]
)
@pytest.mark.parametrize("encoded", [False, True])
def test_window_of_the_request(name: str, encoded: bool, tmp_path: Path) -> None:
    path = write(tmp_path, make(name, RescaleSlope=2, RescaleIntercept=-100))
    codestream = encode_frames(path, [0])[0][0] if encoded else None
    span = 1 << IMAGES[name].stored
    stored = values(name.replace("_jpeg70", "").replace("_big_endian", ""))[0].astype("i8") & (span - 1)
    if IMAGES[name].signed:
        stored = np.where(stored >= span // 2, stored - span, stored)
    picture = png(path, codestream, window=Window(center=300, width=1000))
    same(picture, linear(stored * 2 - 100, 300, 1000))


def test_window_of_the_object_and_its_exact_and_sigmoid_functions(tmp_path: Path) -> None:
    stored = values("i16")[0].astype("f8")
    for function, expected in (
        (None, linear(stored, 100, 5000)),
        ("LINEAR_EXACT", np.clip((stored - 100) / 5000 + 0.5, 0, 1) * 255),
        ("SIGMOID", 255 / (1 + np.exp(-4 * (stored - 100) / 5000))),
    ):
        more = {} if function is None else {"VOILUTFunction": function}
        path = write(tmp_path, make("i16", WindowCenter=[100, 9], WindowWidth=[5000, 9], **more))
        same(png(path), expected)


def test_monochrome1_and_inverse_shape_are_shown_inverted(tmp_path: Path) -> None:
    expected = 255 - linear(values("monochrome1")[0], 2000, 3000)
    same(png(write(tmp_path, "monochrome1"), window=Window(center=2000, width=3000)), expected)
    path = write(tmp_path, make("monochrome1", PhotometricInterpretation="MONOCHROME2", PresentationLUTShape="INVERSE"))
    same(png(path, window=Window(center=2000, width=3000)), expected)


def test_without_a_window_the_whole_range_is_shown_without_padding(tmp_path: Path) -> None:
    stored = values("i16")[0].astype("f8")
    path = write(tmp_path, make("i16", PixelPaddingValue=-32768))
    low = stored[stored > -32768].min()
    same(png(path), np.clip((stored - low) / (stored.max() - low), 0, 1) * 255)


def test_voi_table(tmp_path: Path) -> None:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [4096, 0, 16], (np.arange(4096) % 251 * 257).astype("<u2").tobytes()
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "OW"
    path = write(tmp_path, make("u12", VOILUTSequence=[item]))
    same(png(path), values("u12")[0] % 251)


@pytest.mark.parametrize("name", ["palette", "palette_rle", "palette_big_endian"])
def test_palette(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, name)
    indices = values("palette")[0].astype("i4")
    expected = np.stack([indices, indices * 3 % 256, indices * 5 % 256], axis=-1)
    np.testing.assert_array_equal(png(path), expected)
    np.testing.assert_array_equal(png(path, encode_frames(path, [0])[0][0], viewport=(20, 24)).shape, (24, 20, 3))


def test_colour(tmp_path: Path) -> None:
    np.testing.assert_array_equal(png(write(tmp_path, "multiframe_rgb_planar"), index=2), values("multiframe_rgb")[2])
    np.testing.assert_array_equal(png(write(tmp_path, "rgb16")), values("rgb16")[0] >> 8)
    y, b, r = np.moveaxis(values("ybr_full")[0].astype("f8"), -1, 0)
    rgb = np.stack([y + 1.402 * (r - 128), y - 0.344136 * (b - 128) - 0.714136 * (r - 128), y + 1.772 * (b - 128)], -1)
    np.testing.assert_allclose(png(write(tmp_path, "ybr_full")).astype("f8"), rgb.clip(0, 255), atol=1.5)


@pytest.mark.parametrize(
    ("size", "viewport", "expected"),
    [
        ((512, 512), None, (512, 512)),
        ((512, 256), (128, 128), (128, 64)),
        ((256, 512), (128, 128), (64, 128)),
        ((100, 50), (400, 400), (400, 200)),
        ((3000, 1), (64, 64), (64, 1)),
    ],
)
def test_viewport_keeps_the_aspect_ratio(size: tuple[int, int], viewport: Any, expected: tuple[int, int]) -> None:
    assert fitted(size, viewport) == expected


@pytest.mark.parametrize("name", ["u8", "i8", "u12", "i16", "rgb"])
def test_a_smaller_picture_never_wraps_at_edges(name: str, tmp_path: Path) -> None:
    """Black and white halves, the hardest edge there is: lower resolutions overshoot the range there."""
    kind = IMAGES[name]
    low, high = (int(end(values(name))) for end in (np.min, np.max))
    cells = np.full(kind.shape[1:], low, values(name).dtype)
    cells[7:39, 9:31] = high
    window = Window(center=(low + high + 1) / 2, width=high - low + 1)
    path = write(tmp_path, make(name, PixelData=cells.tobytes(), RescaleSlope=1, RescaleIntercept=0))
    codestream = encode_frames(path, [0])[0][0]
    small = png(path, codestream, viewport=(20, 24), window=window).astype("i4")
    assert small.shape[:2] == (24, 20)
    assert (small[4:19, 5:15] > 200).all()
    assert (small[:3] < 55).all()
    exact = png(path, None, viewport=(20, 24), window=window).astype("i4")
    assert np.abs(small - exact).mean() < 16


def test_jpeg_is_near_the_png(tmp_path: Path) -> None:
    path = write(tmp_path, "rgb")
    shown = imagecodecs.jpeg8_decode(render(path, None, 0, media_type="image/jpeg", quality=95))
    assert np.abs(shown.astype("i4") - png(path)).mean() < 6


def test_frames_are_counted_from_0_and_end(tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        png(write(tmp_path, "multiframe"), index=5)


def test_high_bit_above_bits_stored(tmp_path: Path) -> None:
    """The value stands in the high 12 bits of the cell."""
    path = write(tmp_path, make("u16", BitsStored=12, HighBit=15))
    same(png(path, window=Window(center=2000, width=3000)), linear(values("u16")[0] >> 4, 2000, 3000))


def test_a_window_of_values_leaves_out_the_outermost_only() -> None:
    window = window_of(np.concatenate([np.arange(1000.0), [-30_000.0, 30_000.0]]))
    assert window is not None
    shown = window.apply(np.array([4.0, 994.0]))
    assert 0 <= shown[0] < 0.01 and 0.99 < shown[1] <= 1


@pytest.mark.parametrize("values", [np.empty(0), np.zeros(9)])
def test_values_that_are_all_one_have_no_window(values: NDArray[Any]) -> None:
    assert window_of(values) is None


def test_values_in_modality_units_are_rescaled_and_without_padding(tmp_path: Path) -> None:
    dataset = make("i12", RescaleSlope=2, RescaleIntercept=-100, PixelPaddingValue=-2048)
    stored = values("i12")[0].astype("i8")
    with open_source(write(tmp_path, dataset)) as source:
        read = modality_values(source.frame_array(0), source.dataset, source.decoded_facts, 0)
    assert np.array_equal(read, stored[stored != -2048] * 2 - 100)
