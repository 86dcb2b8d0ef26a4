"""A length drawn with the mouse, saved as DICOM SR by those who may, and what everybody else is told."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pydicom import Dataset, dcmread
from pydicom.uid import EnhancedSRStorage

from tests.browsing import ARTEFACTS
from tests.running import ADMIN_PASSWORD, Platform
from tests.series import ct_series
from tests.server import Server, until
from tests.viewer.viewing import LOADED

ISSUER = "HOSPITAL"
DESCRIPTION = "CT head for measuring"
REPORT = "Width of the lesion"
SPACING = 0.5  # millimetres
SAVED = "Measurements saved successfully"

# Where on the patient a point of the page lies.
WORLD = """([x, y]) => {
  const { canvas, viewport } = window.cornerstone.getEnabledElements()[0];
  const { left, top } = (canvas ?? viewport.getCanvas()).getBoundingClientRect();
  return Array.from(viewport.canvasToWorld([x - left, y - top]));
}"""
SHOWN = """() => window.cornerstone.getEnabledElements()[0].viewport.getCurrentImageId()"""
Point = tuple[float, float]
numbers = count(1)


class Measured:
    """A patient's study, and what the archive holds of it."""

    def __init__(self, platform: Platform, name: str) -> None:
        self.platform = platform
        self.patient = name
        self.images = [of_hospital(one) for one in ct_series(name, 3, size=256)]
        self.study = str(self.images[0].StudyInstanceUID)
        Server(platform.settings).send(*self.images)

    def instances(self, modality: str) -> list[dict[str, Any]]:
        path = f"/dicom-web/studies/{self.study}/instances?Modality={modality}"
        answer = self.platform.get(path)
        found: list[dict[str, Any]] = answer.json() if answer.content else []
        return found

    def report(self) -> tuple[Dataset, dict[str, str]]:
        """Return the only report as it is stored, and Orthanc's metadata of it."""
        (found,) = self.instances("SR")
        uid = found["00080018"]["Value"][0]
        asked = {"Level": "Instance", "Query": {"SOPInstanceUID": uid}}
        (identifier,) = self.platform.post("/orthanc/tools/find", asked)
        base = f"/orthanc/instances/{identifier}"
        metadata: dict[str, str] = self.platform.get(f"{base}/metadata?expand").json()
        return dcmread(io.BytesIO(self.platform.get(f"{base}/file").content)), metadata


def of_hospital(image: Dataset) -> Dataset:
    image.IssuerOfPatientID = ISSUER
    image.StudyDescription, image.SeriesDescription = DESCRIPTION, "Axial"
    image.PixelSpacing = [SPACING, SPACING]
    return image


@pytest.fixture
def measured(platform: Platform) -> Measured:
    """A study of its own for each test."""
    return Measured(platform, f"MEASURED-{next(numbers)}")


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that must not fail; its last look is kept as a picture."""
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    keep(page, request.node.name)
    assert failures == []


def keep(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", animations="disabled")  # or else a dialog is kept half faded in


def account(platform: Platform, role: str, patient: str) -> str:
    """Add an account that sees the patient."""
    name = f"{role}-of-{patient.lower()}"
    identifier = platform.add_user(name, role)
    platform.post(f"/api/v1/users/{identifier}/grants", {"patient_id": patient, "issuer": ISSUER})
    return name


def open_study(page: Page, study: str) -> None:
    page.goto(f"/viewer?StudyInstanceUIDs={study}")
    until_shown(page)


def until_shown(page: Page) -> None:
    page.wait_for_function(f"() => ({LOADED})() > 0")


def log_in(page: Page, username: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in").click()


def draw_length(page: Page) -> float:
    """Draw a length across the image and have its series tracked; return it in millimetres."""
    page.locator('[data-cy="MeasurementTools-split-button-primary"]').click()
    canvas = page.locator('[data-cy="viewport-grid"] canvas').first.bounding_box()
    assert canvas is not None
    x, y = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    start, end = (x - 80, y - 30), (x + 90, y + 50)
    world = [page.evaluate(WORLD, list(point)) for point in (start, end)]
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(x, y, steps=5)
    page.mouse.move(*end, steps=5)
    page.mouse.up()
    page.get_by_text("Track measurements for this series?").wait_for()
    page.locator('[data-cy="prompt-begin-tracking-yes-btn"]').click()
    return math.dist(*world)


def open_measurements(page: Page) -> None:
    page.locator('[data-cy="trackedMeasurements-btn"]').click()
    page.get_by_text("Measurements (", exact=False).first.wait_for()


def save(page: Page, name: str) -> None:
    """Save by the viewer's own dialog and wait for its notice."""
    page.get_by_role("button", name="Create SR").click()
    page.get_by_placeholder("Report name").fill(name)
    keep(page, f"saving {name} dialog")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(SAVED).first).to_be_visible()
    keep(page, f"saving {name} done")


def items(dataset: Dataset, kind: str) -> Iterator[Dataset]:
    """Yield the content items of a value type, from all depths."""
    for item in dataset.get("ContentSequence", []):
        if item.ValueType == kind:
            yield item
        yield from items(item, kind)


def test_a_doctor_saves_a_length_as_a_report(platform: Platform, page: Page, measured: Measured) -> None:
    doctor = account(platform, "doctor", measured.patient)
    page.goto(f"/viewer?StudyInstanceUIDs={measured.study}")
    log_in(page, doctor)
    until_shown(page)
    shown = page.evaluate(SHOWN)
    length = draw_length(page)
    open_measurements(page)
    expect(page.get_by_text(re.compile(r"^\d+(\.\d+)? mm$")).first).to_be_visible()
    save(page, REPORT)

    report, _ = measured.report()
    image = next(one for one in measured.images if f"/instances/{one.SOPInstanceUID}/" in shown)
    assert (report.SOPClassUID, report.Modality) == (EnhancedSRStorage, "SR")
    assert (report.PatientID, report.IssuerOfPatientID) == (measured.patient, ISSUER)
    assert (report.StudyInstanceUID, report.StudyDescription) == (measured.study, DESCRIPTION)
    assert report.SeriesDescription == REPORT
    assert {one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for one in items(report, "IMAGE")} == {
        image.SOPInstanceUID
    }
    (number,) = items(report, "NUM")
    value = number.MeasuredValueSequence[0]
    assert number.ConceptNameCodeSequence[0].CodeMeaning == "Length"
    assert value.MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    (line,) = items(report, "SCOORD")
    x1, y1, x2, y2 = line.GraphicData
    assert float(value.NumericValue) == pytest.approx(SPACING * math.dist((x1, y1), (x2, y2)), abs=0.01)
    assert float(value.NumericValue) == pytest.approx(length, abs=SPACING)  # within a pixel of the mouse's way
    assert [str(one.PersonName) for one in items(report, "PNAME")] == [doctor.title()]

    until(lambda: "htj2k-status" in measured.report()[1], "the encode worker has seen the report")
    assert '"no_pixel_data"' in measured.report()[1]["htj2k-status"]
    holders = platform.get(f"/orthanc/neuronova/holdings?study={measured.study}").json()
    assert holders == {"patients": [{"patient_id": measured.patient, "issuer": ISSUER}]}
    (listed,) = platform.get(f"/dicom-web/studies?StudyInstanceUID={measured.study}&includefield=00081030").json()
    assert listed["00081030"]["Value"] == [DESCRIPTION]

    load_again(page, measured, f"{float(value.NumericValue):.1f}")
    page.locator("#log-out").first.click()
    page.wait_for_url("**/login")
    see_the_audit(page, measured, doctor)


def load_again(page: Page, measured: Measured, length: str) -> None:
    """The report is listed after a reload, and its measurement can be gone on with."""
    open_study(page, measured.study)
    expect(page.get_by_text(DESCRIPTION).first).to_be_visible()
    page.get_by_text(REPORT).first.dblclick()
    open_measurements(page)
    expect(page.get_by_text("Measurements (1)").first).to_be_visible()
    expect(page.get_by_text(re.compile(rf"^{re.escape(length)}\d* mm$")).first).to_be_visible()
    keep(page, f"saving {REPORT} loaded again")


def see_the_audit(page: Page, measured: Measured, doctor: str) -> None:
    """The privacy officer's page shows who stored for this patient."""
    page.goto("/console/audit")
    log_in(page, "admin")
    page.get_by_label("Patient ID").fill(measured.patient)
    page.get_by_role("button", name="Show").click()
    rows = page.locator("#records tr").filter(has_text=doctor)
    stored = rows.filter(has_text="store").filter(has_text=measured.study)
    expect(stored.first).to_contain_text("allowed")
    expect(rows.filter(has_text="read").first).to_be_visible()


def test_a_nurse_measures_and_is_told_that_it_cannot_be_saved(
    platform: Platform, page: Page, measured: Measured
) -> None:
    nurse = account(platform, "nurse", measured.patient)
    page.goto(f"/viewer?StudyInstanceUIDs={measured.study}")
    log_in(page, nurse)
    until_shown(page)
    is_not_let_save(page, measured, "Your role lets you look and measure, but not save")


def is_not_let_save(page: Page, measured: Measured, told: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    draw_length(page)
    open_measurements(page)
    page.get_by_role("button", name="Create SR").click()
    expect(page.get_by_text(told, exact=False)).to_be_visible()
    expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    keep(page, f"not saving {told.partition(' lets')[0]}")
    page.get_by_role("button", name="Go on without saving").click()
    expect(page.get_by_text(told, exact=False)).to_have_count(0)
    expect(page.get_by_text("Measurements (1)").first).to_be_visible()  # what was drawn stays
    assert [one for one in asked if one.startswith("POST") and "/dicom-web/" in one] == []
    assert measured.instances("SR") == []


@pytest.mark.parametrize("may_store", [True, False])
def test_a_study_link_saves_if_it_may(platform: Platform, page: Page, measured: Measured, may_store: bool) -> None:
    link = platform.post("/api/v1/links", {"studies": [measured.study], "store": may_store, "expires_in": 600})
    page.goto(link["url"])
    until_shown(page)
    if not may_store:
        is_not_let_save(page, measured, "This link lets you look and measure, but not save")
        return
    draw_length(page)
    open_measurements(page)
    save(page, "By a link")
    report, _ = measured.report()
    assert (report.PatientID, report.IssuerOfPatientID) == (measured.patient, ISSUER)
    assert [str(one.PersonName) for one in items(report, "PNAME")] == ["unknown^unknown"]  # a link is handed on
