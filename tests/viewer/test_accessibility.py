"""axe on every page, in English on a desktop and in Korean on a tablet: nothing serious (WCAG 2.1 A and AA)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cdss_api.accounts.languages import LANGUAGE_COOKIE, Language
from cdss_api.console import PAGES
from tests.browsing import ARTEFACTS
from tests.running import Platform
from tests.viewer.viewing import Viewing

AXE = Path(__file__).parents[1] / "emr" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desktop": (1280, 800), "tablet": (820, 1180)}


@pytest.mark.parametrize("name", [name for name in PAGES if name != "report"])
def test_pages_are_accessible(viewing: Viewing, name: str) -> None:
    page = viewing.page
    page.goto(f"/console/{name}")
    expect(page.get_by_role("navigation").get_by_role("link").first).to_be_visible()
    for language, (size, (width, height)) in zip(Language, SIZES.items(), strict=True):  # axe takes seconds
        page.set_viewport_size({"width": width, "height": height})
        page.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": page.url}])
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.get_by_role("navigation").get_by_role("link").first).to_be_visible()
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"{name}-{language}-{size}.png", full_page=True)
        assert violations(viewing) == [], (language, size)


def test_the_login_is_accessible(viewing: Viewing) -> None:
    viewing.page.context.clear_cookies()
    viewing.page.goto("/login")
    assert violations(viewing) == []


def test_a_report_is_accessible(viewing: Viewing, platform: Platform) -> None:
    token = {"Authorization": f"Bearer {platform.login()['access_token']}"}
    study = platform.get("/api/v1/reading?limit=1", **token).json()["studies"][0]["study"]
    viewing.page.goto(f"/console/report?study={study}")
    expect(viewing.page.get_by_role("heading").first).to_have_text(re.compile(r"\w"))
    assert violations(viewing) == []


def violations(viewing: Viewing) -> list[str]:
    """Return what axe finds that is serious or critical, once nothing is being loaded."""
    viewing.page.evaluate(AXE.read_text())  # run by the debugger, which the page's own policy does not bind
    found = viewing.page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]
