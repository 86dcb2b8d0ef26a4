"""What models made of the demonstration's studies, in the viewer: the overlay, its labels, the report as text."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from neuronova.demo.studies import SUBJECTS
from tests.server import until
from tests.viewer.viewing import Viewing

pytestmark = pytest.mark.timeout(150)

STUDIES = {subject.key: subject.uid("study") for subject in SUBJECTS}
THUMBNAILS = '[data-cy^="study-browser-thumbnail"]'
# Pixels of the first viewport that are not grey: nothing but a segment has a colour there.
COLOURED = """() => {
  const canvas = window.cornerstone.getEnabledElements()[0].viewport.getCanvas();
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let at = 0; at < data.length; at += 4) {
    const most = Math.max(data[at], data[at + 1], data[at + 2]);
    if (most - Math.min(data[at], data[at + 1], data[at + 2]) > 12) coloured += 1;
  }
  return coloured / (data.length / 4);
}"""


def opened(viewing: Viewing, key: str) -> None:
    viewing.page.goto(f"/viewer?StudyInstanceUIDs={STUDIES[key]}")
    until(lambda: any(shades > 50 for _, shades in viewing.drawn()), "an image is drawn", 60)


def coloured(viewing: Viewing) -> float:
    share: Any = viewing.page.evaluate(COLOURED)
    return float(share)


@pytest.mark.parametrize(
    ("key", "labels"),
    [("park", ["Brain"]), ("hong", ["Intracranial", "Hyperdensity candidate"])],
    ids=["mr-brain", "ct-head"],
)
def test_the_overlay_lies_on_the_images_with_its_volumes(viewing: Viewing, key: str, labels: list[str]) -> None:
    opened(viewing, key)
    before = coloured(viewing)
    assert before < 0.001
    segmentation = viewing.page.locator(THUMBNAILS).filter(has_text="SEG")
    expect(segmentation).to_have_count(1)
    segmentation.dblclick()
    until(lambda: coloured(viewing) > 0.02, "the overlay", 60)
    for label in labels:
        expect(viewing.page.get_by_text(label).first).to_be_visible()
    expect(viewing.page.get_by_text("mL").first).to_be_visible()


@pytest.mark.parametrize("key", ["park", "hong"])
def test_the_page_of_jobs_shows_how_they_came_about(viewing: Viewing, key: str) -> None:
    rule = {"park": "mr-t1w", "hong": "ct-head"}[key]
    viewing.page.goto("/console/jobs")
    row = viewing.page.locator("#jobs tr", has_text=rule).filter(has_text="succeeded")
    expect(row.first).to_be_visible()
