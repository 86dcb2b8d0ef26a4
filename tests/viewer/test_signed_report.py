"""A signed report as the viewer shows it: the PDF that Orthanc keeps with the study."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from playwright.sync_api import BrowserContext, expect

from tests.browsing import ARTEFACTS, windows
from tests.imaging.asking import sent_slice
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import Server, until
from tests.viewer.viewing import Viewing

PDF = "1.2.840.10008.5.1.4.1.1.104.1"  # Encapsulated PDF Storage
STUDIES = ("signed", "second", "third")


@pytest.fixture(scope="module")
def sent(platform: Platform) -> dict[str, str]:
    """Studies that wait, by name, and a radiologist."""
    platform.add_user("signer", "radiologist")
    images = {one: sent_slice(1, study=one, patient_id=f"SIGNED-{one}", AccessionNumber="") for one in STUDIES}
    Server(platform.settings).send(*images.values())
    return {name: str(image.StudyInstanceUID) for name, image in images.items()}


@pytest.fixture(scope="module")
def signed(platform: Platform, sent: dict[str, str]) -> dict[str, Any]:
    """The DICOM JSON of a signed report's PDF."""
    study = sent["signed"]
    headers = {"Authorization": f"Bearer {platform.login('signer', ADMIN_PASSWORD)['access_token']}"}

    def ask(method: str, path: str, **more: Any) -> requests.Response:
        answer = requests.request(method, platform.url + path, headers=headers, timeout=PATIENCE, **more)
        assert answer.ok, answer.text
        return answer

    until(lambda: study in ask("GET", "/api/v1/reading").text, "the study waits for its report")
    ask("PUT", f"/api/v1/reports/{study}", json={"status": "final", "conclusion": "No haemorrhage. 출혈 없음."})

    def pdf() -> dict[str, Any] | None:
        listed = ask("GET", f"/dicom-web/studies/{study}/metadata").json()
        return next((one for one in listed if one["00080016"]["Value"] == [PDF]), None)

    found: dict[str, Any] = until(pdf, "the PDF is in Orthanc")
    return found


def test_the_pdf_is_listed_and_opens(signed: dict[str, Any], viewing: Viewing) -> None:
    page, study = viewing.page, signed["0020000D"]["Value"][0]
    page.goto(f"/viewer?StudyInstanceUIDs={study}")
    listed = page.locator('[data-cy="study-browser-thumbnail-no-image"]')
    expect(listed).to_have_count(1)
    viewing.until_loaded(1)  # a viewport that goes while its image comes is a complaint of the page
    listed.dblclick()
    shown = page.locator('object[type="application/pdf"]')
    expect(shown).to_have_count(1)
    expect(shown).to_have_attribute("data", re.compile("."))  # it comes a moment after the element
    address = str(shown.get_attribute("data"))
    content = page.evaluate(
        "address => fetch(address).then(async it => [it.status, (await it.text()).slice(0, 5)])", address
    )
    assert content == [200, "%PDF-"], address


def test_the_next_study_is_one_key_away_from_a_signature(
    sent: dict[str, str], signed: dict[str, Any], context: BrowserContext, platform: Platform
) -> None:
    context.request.post("/api/v1/auth/login", data={"username": "signer", "password": ADMIN_PASSWORD})
    page = context.new_page()
    page.goto("/console/reading")
    rows = page.locator("#rows tr")
    expect(rows.locator(f'xpath=self::*[@data-study="{sent["second"]}"]')).to_have_count(1)
    chosen = page.locator(f'#rows tr[data-study="{sent["second"]}"]')
    chosen.click()
    editor = next(one for one in windows(page, 3) if "/console/report" in one.url)
    editor.get_by_label("Report", exact=True).fill("Normal.")
    editor.get_by_role("button", name="Sign", exact=True).click()
    editor.get_by_role("dialog").get_by_role("button", name="Sign").click()
    expect(editor.locator("#state")).to_contain_text("signed, version")  # drafts save themselves
    expect(chosen).to_have_count(0)
    expect(editor.locator("#next")).to_be_focused()
    following = str(rows.filter(has_text="not reported").first.get_attribute("data-study"))
    ARTEFACTS.mkdir(exist_ok=True)
    editor.screenshot(path=ARTEFACTS / "signed-editor.png")
    page.screenshot(path=ARTEFACTS / "signed-list.png")
    editor.keyboard.press("n")
    expect(editor).to_have_url(re.compile(re.escape(following)))
