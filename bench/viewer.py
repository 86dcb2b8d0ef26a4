"""OHIF on a slow link: when a study's last image is there, and a large radiograph's first picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import imagecodecs
import numpy as np
from playwright.sync_api import BrowserType, sync_playwright
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless, generate_uid

from bench.gateway import gateway
from bench.images import brain_mr, radiograph, radiograph_object
from bench.link import MEGABITS, Link, slow_link
from bench.peer import bare, ours
from bench.report import Detail, Result, Row
from tests.access import http
from tests.browsing import FLAGS
from tests.series import ct_series
from tests.server import Server
from tests.synthetic import part10
from tests.viewer.viewing import LOADED

ROUNDS = 2
LAST_IMAGE = f"(count) => ({LOADED})() >= count && Date.now()"
FIRST_PICTURE = "() => window.firstPicture"
# The moment of the double click, and the one at which the first image that a viewport was given has been drawn: noted
# in the page, for Playwright takes its time before it clicks, and asking the canvas would take longer.
NOTE_TIMES = """
document.addEventListener('dblclick', () => { window.doubleClick = Date.now(); }, true);
let given = false;
document.addEventListener('CORNERSTONE_STACK_NEW_IMAGE', () => { given = true; }, true);
document.addEventListener('CORNERSTONE_IMAGE_RENDERED', () => { if (given) window.firstPicture ??= Date.now(); }, true);
"""


@dataclass(frozen=True)
class Way:
    """One way to the images: a gateway's address and the patient whose study is opened there."""

    name: str
    origin: str
    patient: str
    images: int = 1


def measure(quick: bool) -> Iterator[Result]:
    """Yield ratios of seconds from the double click in a viewer that is loaded already."""
    rounds = 1 if quick else ROUNDS
    brain = brain_mr()
    compressed = [_in_jpeg_ls(one) for one in brain]
    picture = radiograph_object("radiograph", radiograph(3000, 3000, 16), 16)
    warm_up = ct_series("warmup", 1)
    with (
        TemporaryDirectory(prefix="nnv") as folder,
        slow_link(Path(folder)) as link,
        ours(bind=link.address) as our,
        bare(bind=link.address) as plain,
    ):
        for one in (*brain, picture, *warm_up):
            our.upload(part10(one))
            plain.upload(part10(one))
        for one in compressed:
            plain.upload(part10(one))
        our.until_settled(len(brain) + 2, 300)
        yield from _measure(link, our, plain, brain, rounds)


def _measure(link: Link, our: Server, plain: Server, brain: Sequence[Dataset], rounds: int) -> Iterator[Result]:
    patient, count = str(brain[0].PatientName), len(brain)
    with gateway(our) as on, gateway(plain) as off, sync_playwright() as playwright:
        chromium = playwright.chromium
        ways = [Way("on", on, patient, count), Way("off", off, patient, count), Way("jls", off, "JPEG, LS", count)]
        last = _in_turn(chromium, link, ways, LAST_IMAGE, rounds)
        ways = [Way("on", on, "Test, radiograph"), Way("off", off, "Test, radiograph")]
        first = _in_turn(chromium, link, ways, FIRST_PICTURE, rounds)
    what = f"OHIF at {MEGABITS} Mbit/s: last image of a brain MR"
    yield _row(what, "with HTJ2K off", last, "off", 2.0)
    yield _row(what, "a series that arrived in JPEG-LS, within 12 %", last, "jls", round(1 / 1.12, 2))
    yield _row(
        f"OHIF at {MEGABITS} Mbit/s: first picture of a 3000x3000 radiograph", "with HTJ2K off", first, "off", 5.0
    )
    yield Detail(f"The link of the viewer was shaped by {link.shaped_by}.")


def _row(what: str, against: str, times: dict[str, list[float]], peer: str, target: float) -> Row:
    ratios = [theirs / ours for ours, theirs in zip(times["on"], times[peer], strict=True)]
    return Row(
        what=what,
        against=against,
        ours=median(times["on"]),
        peer=median(times[peer]),
        unit="s",
        ratio=median(ratios),
        target=target,
    )


def _in_turn(
    chromium: BrowserType, link: Link, ways: Sequence[Way], script: str, rounds: int
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            times[way.name].append(_seconds(chromium, link, way, script))
    return times


def _seconds(chromium: BrowserType, link: Link, way: Way, script: str) -> float:
    """Load the viewer with a small study, go back to the list, open the study, and wait.

    Each time in a new browser, so that none pays for what earlier studies left in its memory and its renderer.
    """
    browser = chromium.launch(executable_path=link.chromium, args=FLAGS)
    context = browser.new_context(viewport={"width": 1400, "height": 900}, base_url=way.origin)
    context.add_cookies([{"name": "neuronova_session", "value": http.token, "url": way.origin}])
    context.add_init_script(NOTE_TIMES)
    try:
        page = context.new_page()
        page.goto("/")
        page.get_by_text("Test, warmup", exact=True).first.dblclick()
        page.wait_for_function(FIRST_PICTURE, polling=200, timeout=120_000)
        page.goto("/")
        study = page.get_by_text(way.patient.replace("^", ", "), exact=True).first
        study.wait_for()
        link.slow_down(page)
        study.dblclick()
        ended = page.wait_for_function(script, arg=way.images, polling=200, timeout=180_000).json_value()
        return float(ended - page.evaluate("window.doubleClick")) / 1000
    finally:
        browser.close()


def _in_jpeg_ls(source: Dataset) -> Dataset:
    """Return a copy as another patient's study, compressed by JPEG-LS."""
    copy = deepcopy(source)
    copy.StudyInstanceUID = generate_uid(entropy_srcs=["jpeg-ls", source.StudyInstanceUID])
    copy.SeriesInstanceUID = generate_uid(entropy_srcs=["jpeg-ls", source.SeriesInstanceUID])
    copy.SOPInstanceUID = generate_uid(entropy_srcs=["jpeg-ls", source.SOPInstanceUID])
    copy.PatientID, copy.PatientName = "JPEGLS", "JPEG^LS"
    copy.file_meta.MediaStorageSOPInstanceUID = copy.SOPInstanceUID
    copy.file_meta.TransferSyntaxUID = JPEGLSLossless
    copy.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(source.pixel_array.view(np.uint16)))])
    copy["PixelData"].VR = "OB"
    return copy
