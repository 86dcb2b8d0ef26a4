"""A study sent by a modality, read in OHIF."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset
from pydicom.uid import MRImageStorage

from neuronova.platform.decoder import content_hash
from tests.running import Platform
from tests.server import Server, until
from tests.synthetic import make, uid
from tests.viewer.conftest import series
from tests.viewer.viewing import LOADED, CachedImage, Viewing

HTJ2K = "1.2.840.10008.1.2.4.202"
KINDS = ("ct", "i12", "i16", "u8", "u12", "u16", "rgb", "129x700", "2100x80")


def test_the_study_list_shows_the_demo_patients(viewing: Viewing) -> None:
    viewing.open_list()
    for text in ("Phantom, Demo", "홍길동", "CT head (synthetic phantom)", "DEMO2"):
        viewing.page.get_by_text(text, exact=True).first.wait_for()
    assert viewing.page.title() == "NeuroNova"


def test_a_sent_study_opens_with_every_frame_in_htj2k(platform: Platform, viewing: Viewing) -> None:
    source = series("ct-head")
    Server(platform.settings).send(*source)
    viewing.open_list()
    viewing.open_study_of(name_of(source[0]))
    viewing.until_loaded(len(source))

    asked = {one.url for one in viewing.frames}
    assert len(asked) == len(source)
    for frame in viewing.frames:
        head = frame.body()[:400]
        assert f"Content-Type: image/jphc; transfer-syntax={HTJ2K}\r\n".encode() in head, frame.url
        assert "content-encoding" not in frame.headers

    images = {image.instance: image for image in viewing.cached()}
    assert len(images) == len(source)
    for original in source:
        compare(images[original.SOPInstanceUID], original)
    until(lambda: viewing.drawn()[0][1] > 50, "an image is drawn")


def name_of(source: Dataset) -> str:
    """Return the patient's name as the list shows it."""
    return str(source.PatientName).partition("=")[0].replace("^", ", ")


def compare(image: CachedImage, original: Dataset) -> None:
    """Compare a cached image with the pixels that were sent."""
    assert image.syntax == HTJ2K
    expected = original.pixel_array
    if image.scaled:
        expected = expected * float(original.RescaleSlope) + float(original.RescaleIntercept)
    assert np.array_equal(image.values, expected), original.SOPInstanceUID


def test_a_volume_is_shown_in_three_planes(platform: Platform, viewing: Viewing) -> None:
    source = series("mr-t1w")
    Server(platform.settings).send(*source)
    viewing.open_list()
    viewing.open_study_of(name_of(source[0]))
    viewing.page.locator('[data-cy="Layout"]').click()
    viewing.page.locator('[data-cy="MPR"]').click()
    until(
        lambda: [kind for kind, shades in viewing.drawn() if shades > 50] == ["orthographic"] * 3,
        "three planes are drawn",
    )
    viewing.until_loaded(len(source))
    assert {image.syntax for image in viewing.cached()} == {HTJ2K}


def test_a_series_that_names_no_window_is_shown_in_one_of_its_own(platform: Platform, viewing: Viewing) -> None:
    """The first image of a volume is often empty, and its noise white where each image has a window by itself."""
    source = [make("u12", SOPInstanceUID=uid(f"no window {number}"), **of_series(number)) for number in range(8)]
    source[0].PixelData = bytes(len(source[0].PixelData))
    Server(platform.settings).send(*source)
    viewing.page.goto(f"/viewer?StudyInstanceUIDs={source[0].StudyInstanceUID}")
    viewing.until_loaded(len(source))
    empty, full = viewing.range_of(0), viewing.range_of(5)
    assert empty == full
    assert empty[1] - empty[0] > 3000  # of 4,096


def of_series(number: int) -> dict[str, object]:
    """Return what makes an image the `number`-th of one MR."""
    study = uid("names no window")
    return {
        "SOPClassUID": MRImageStorage,
        "Modality": "MR",
        "StudyInstanceUID": study,
        "SeriesInstanceUID": uid("names no window, series"),
        "InstanceNumber": number,
        "RescaleIntercept": 0,
        "RescaleSlope": 1,
        "PixelSpacing": [1, 1],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [0, 0, number],
    }


def test_every_kind_is_decoded_exactly_and_by_the_decoder_that_was_laid_out(
    platform: Platform, viewing: Viewing
) -> None:
    source = [make(kind, InstanceNumber=number) for number, kind in enumerate(KINDS)]
    Server(platform.settings).send(*source)
    viewing.page.goto(f"/viewer?StudyInstanceUIDs={source[0].StudyInstanceUID}")
    until(lambda: viewing.page.evaluate(LOADED) > 0, "an image is shown")
    images = {image.instance: image for image in viewing.whole_study()}
    assert len(images) == len(KINDS)
    for original in source:
        compare(images[original.SOPInstanceUID], original)

    wasm = {name for url in viewing.asked if (name := url.rpartition("/")[2]).endswith(".wasm")}
    ours = {f"{content_hash(platform.get(f'/{name}').content)}.wasm" for name in wasm}
    assert wasm == ours != set()  # the names of OHIF's own are other hashes
