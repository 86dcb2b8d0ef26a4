"""The browser that all tests of pages share: a process can have but one that is asked without `await`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from neuronova.platform.layout import REPOSITORY
from tests.patience import PATIENCE
from tests.server import until

expect.set_options(timeout=PATIENCE * 1000)

ARTEFACTS = REPOSITORY / "tests" / "artefacts"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # WebGL without a graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]


def visiting(browser: Browser, url: str, **more: Any) -> BrowserContext:
    """Return a context for the platform at `url`, which waits as long as all tests do."""
    context = browser.new_context(**({"viewport": {"width": 1400, "height": 900}} | more), base_url=url)
    context.set_default_timeout(PATIENCE * 1000)
    return context


def windows(page: Page, number: int) -> list[Page]:
    """Wait until there are so many windows, and return them: of new ones is heard only while the browser is asked."""

    def all_open() -> bool:
        page.evaluate("0")
        return len(page.context.pages) >= number

    until(all_open, f"{number} windows")
    return page.context.pages


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed; ./install.sh test does it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
