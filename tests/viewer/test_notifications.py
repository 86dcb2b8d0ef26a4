"""The bell: an emergency appears in a page that is open, in another tab, too, and is read in both."""

from __future__ import annotations

import os
import signal

import pytest
import requests
from playwright.sync_api import expect

from tests.browsing import ARTEFACTS
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, Platform
from tests.server import until
from tests.viewer.viewing import Viewing


def _break_glass(platform: Platform, patient: str) -> None:
    token = platform.login("emergency-doctor", ADMIN_PASSWORD)["access_token"]
    answer = requests.post(
        f"{platform.url}/api/v1/access/break-glass",
        json={"patient_id": patient, "reason": "found unconscious"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 201, answer.text


def _hear_of_emergencies_alone(platform: Platform) -> None:
    """Have admins told of nothing that other tests' studies bring, and what there is be read."""
    headers = {"Authorization": f"Bearer {platform.login()['access_token']}"}
    root = f"{platform.url}/api/v1/notifications"
    told = {"kinds": [{"kind": "ai-job-failed", "channels": []}, {"kind": "break-glass", "channels": ["in-app"]}]}
    requests.put(f"{root}/settings", json=told, headers=headers, timeout=PATIENCE).raise_for_status()
    requests.post(f"{root}/read", json={"up_to": 1000}, headers=headers, timeout=PATIENCE).raise_for_status()


@pytest.fixture(scope="module", autouse=True)
def doctor(platform: Platform) -> None:
    platform.add_user("emergency-doctor", "doctor")


def test_breaking_the_glass_appears_in_an_admins_open_page(platform: Platform, viewing: Viewing) -> None:
    _hear_of_emergencies_alone(platform)
    page = viewing.page
    page.goto("/console/outbox")
    bell = page.locator("#bell summary")
    expect(bell).to_have_attribute("aria-label", "Notifications, 0 unread")
    other = page.context.new_page()
    other.goto("/console/notifications")
    expect(other.locator("#notifications li").filter(has_text="P-EMERGENCY")).to_have_count(0)
    page.evaluate("window.stillHere = true")

    _break_glass(platform, "P-EMERGENCY-1")
    said = "Emergency access: Emergency-Doctor (doctor) opened patient P-EMERGENCY-1. Reason: found unconscious"
    expect(bell).to_have_attribute("aria-label", "Notifications, 1 unread")
    expect(page.locator("#bell [role=status]")).to_have_text(said)
    expect(other.locator("#notifications li").first).to_contain_text(said)
    assert page.evaluate("window.stillHere")

    _break_glass(platform, "P-EMERGENCY-2")
    expect(bell).to_have_attribute("aria-label", "Notifications, 2 unread")
    bell.click()
    expect(page.locator("#bell li").filter(has_text="P-EMERGENCY")).to_have_count(2)
    page.screenshot(path=ARTEFACTS / "bell.png")
    page.locator("#bell li").first.get_by_role("button", name="Mark as read").click()
    expect(other.locator("#bell summary")).to_have_attribute("aria-label", "Notifications, 1 unread")
    other.get_by_label("Emergency access: In these pages").uncheck()
    other.get_by_label("Emergency access: Webhook").check()
    other.get_by_label("Webhook (https)").fill("https://example.org/hook")
    other.get_by_role("button", name="Save").click()
    expect(other.locator("#saved")).to_have_text("Saved.")
    expect(other.locator("#secret")).to_be_visible()
    other.screenshot(path=ARTEFACTS / "notifications.png", full_page=True)
    other.get_by_role("button", name="Mark all as read").click()
    expect(bell).to_have_attribute("aria-label", "Notifications, 0 unread")
    other.close()


def test_the_stream_is_made_again_after_its_process_was_killed(platform: Platform, viewing: Viewing) -> None:
    page = viewing.page
    _hear_of_emergencies_alone(platform)
    with page.expect_response(lambda answer: answer.url.endswith("/notifications/stream")):
        page.goto("/console/audit")
    unread = page.locator("#bell summary")
    expect(unread).to_have_attribute("aria-label", "Notifications, 0 unread")
    killed = platform.pid_of("cdss_api.notifications.asgi")
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    _break_glass(platform, "P-EMERGENCY-3")
    until(lambda: platform.pid_of("cdss_api.notifications.asgi") not in (None, killed), "the restart of the process")
    expect(unread).to_have_attribute("aria-label", "Notifications, 1 unread")
    viewing.complaints.clear()  # the browser tells of the connection that was lost
