"""What models made of the demonstration's studies, in the viewer: the overlay, its volumes, the report as text."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from neuronova.demo.studies import SUBJECTS
from tests.browsing import ARTEFACTS
from tests.server import until
from tests.viewer.viewing import LOADED, Viewing

STUDIES = {subject.key: subject.uid("study") for subject in SUBJECTS}
MIDDLE = 0.6  # of the viewport's width and height: around it are the viewer's own signs, which have colours
COLOUR = 25  # between the largest and the smallest of red, green and blue; the images are grey


@pytest.mark.parametrize(
    ("key", "rule", "labels", "said"),
    [
        ("park", "mr-t1w", ["Cerebrospinal fluid", "Grey matter", "White matter"], "Grey matter volume:"),
        ("hong", "ct-head", ["Intracranial", "Hyperdensity candidate"], "Hyperdensity candidate: volume"),
    ],
    ids=["mr-brain", "ct-head"],
)
def test_the_overlay_lies_on_the_images_and_the_report_is_read(
    viewing: Viewing, key: str, rule: str, labels: list[str], said: str
) -> None:
    page = viewing.page
    page.goto(f"/viewer?StudyInstanceUIDs={STUDIES[key]}")
    until(lambda: page.evaluate(LOADED) > 0, "an image is loaded")
    until(lambda: any(shades > 50 for _, shades in viewing.drawn()), "an image is drawn")
    viewport = page.locator('[data-cy="viewport-pane"]')
    expect(viewport).to_have_count(1)
    assert coloured(viewport) == 0.0
    thumbnail(viewing, "SEG").dblclick()
    first = until(lambda: coloured(viewport), "the overlay")
    page.get_by_role("slider", name="Image navigation scrollbar").click()  # to the slice in the middle
    until(lambda: coloured(viewport) > max(0.2, 2 * first), "the overlay on the slice in the middle")
    page.locator('[data-cy="panelSegmentation-btn"]').click()
    for label in labels:
        expect(page.get_by_text(label).filter(has_text="mL")).to_be_visible()
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"overlay-{rule}.png")
    thumbnail(viewing, "report").dblclick()
    expect(viewport).to_contain_text("AI, not for diagnosis")
    expect(viewport).to_contain_text(said)
    page.screenshot(path=ARTEFACTS / f"report-{rule}.png")
    page.goto("/console/jobs")
    expect(page.locator("#jobs tr", has_text=rule).filter(has_text="succeeded").first).to_be_visible()


def test_a_finding_is_circled_though_other_numbers_have_no_place(viewing: Viewing) -> None:
    page = viewing.page
    page.goto(f"/viewer?StudyInstanceUIDs={STUDIES['hong']}")
    until(lambda: page.evaluate(LOADED) > 0, "an image is loaded")
    until(lambda: any(shades > 50 for _, shades in viewing.drawn()), "an image is drawn")
    viewport = page.locator('[data-cy="viewport-pane"]')
    assert coloured(viewport) == 0.0
    thumbnail(viewing, "for machines").dblclick()
    until(lambda: coloured(viewport), "the circle")
    page.screenshot(path=ARTEFACTS / "circle.png")


def thumbnail(viewing: Viewing, text: str) -> Locator:
    """Return the one entry of the study's list of series that has this text."""
    found = viewing.page.locator('[data-cy^="study-browser-thumbnail"]').filter(has_text=text)
    expect(found).to_have_count(1)
    return found


def coloured(viewport: Locator) -> float:
    """Return which share of the pixels in the middle of what the screen shows of a viewport are not grey."""
    image = Image.open(BytesIO(viewport.screenshot())).convert("RGB")
    left, top = (round(side * (1 - MIDDLE) / 2) for side in image.size)
    pixels = np.asarray(image.crop((left, top, image.width - left, image.height - top)), np.int16)
    return float((pixels.max(2) - pixels.min(2) > COLOUR).mean())
