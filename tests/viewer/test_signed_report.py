"""A signed report as the viewer shows it: the PDF that Orthanc keeps with the study."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from tests.imaging.asking import sent_slice
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import Server, until
from tests.viewer.viewing import Viewing

PDF = "1.2.840.10008.5.1.4.1.1.104.1"  # Encapsulated PDF Storage
SHOWN = 60_000  # milliseconds


@pytest.fixture
def signed(platform: Platform) -> dict[str, Any]:
    """The DICOM JSON of a signed report's PDF."""
    platform.add_user("signer", "radiologist")
    headers = {"Authorization": f"Bearer {platform.login('signer', ADMIN_PASSWORD)['access_token']}"}

    def ask(method: str, path: str, **more: Any) -> requests.Response:
        answer = requests.request(method, platform.url + path, headers=headers, timeout=10, **more)
        assert answer.ok, answer.text
        return answer

    images = [sent_slice(number, study="signed", patient_id="SIGNED-1", AccessionNumber="") for number in (1, 2)]
    Server(platform.settings).send(*images)
    study = str(images[0].StudyInstanceUID)
    until(lambda: study in ask("GET", "/api/v1/reading").text, "the study waits for its report")
    ask("PUT", f"/api/v1/reports/{study}", json={"status": "final", "conclusion": "No haemorrhage. 출혈 없음."})

    def pdf() -> dict[str, Any] | None:
        listed = ask("GET", f"/dicom-web/studies/{study}/metadata").json()
        return next((one for one in listed if one["00080016"]["Value"] == [PDF]), None)

    found: dict[str, Any] = until(pdf, "the PDF is in Orthanc", 60)
    return found


def test_the_pdf_is_listed_and_opens(signed: dict[str, Any], viewing: Viewing) -> None:
    page, study = viewing.page, signed["0020000D"]["Value"][0]
    page.goto(f"{viewing.url}/viewer?StudyInstanceUIDs={study}")
    listed = page.locator('[data-cy="study-browser-thumbnail-no-image"]')
    expect(listed).to_have_count(1, timeout=SHOWN)
    with page.expect_response(re.compile("/bulkdata|/rendered|/instances/"), timeout=SHOWN) as answered:
        listed.dblclick()
    shown = page.locator('object[type="application/pdf"]')
    expect(shown).to_have_count(1, timeout=SHOWN)
    address = str(shown.get_attribute("data"))
    content = page.evaluate(
        "address => fetch(address).then(async it => [it.status, (await it.text()).slice(0, 5)])", address
    )
    assert content == [200, "%PDF-"], (address, answered.value.url)
