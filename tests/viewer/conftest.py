"""OHIF in a real browser, against a real platform."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext
from pydicom import Dataset

from neuronova.demo.studies import SUBJECTS, slices_of
from tests.browsing import ARTEFACTS, visiting
from tests.conftest import REAL_SERIES, real_series
from tests.running import ADMIN_PASSWORD, Platform, running_platform
from tests.viewer.viewing import Viewing


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("viewer") / "data") as running:
        running.demo("--no-orders")  # tests make their own; what models make of it is there afterwards
        running.allow("MODALITY")
        yield running


@pytest.fixture
def context(browser: Browser, platform: Platform) -> Iterator[BrowserContext]:
    context = visiting(browser, platform.url)
    yield context
    context.close()


@pytest.fixture
def viewing(platform: Platform, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Viewing]:
    """A page that must not fail, nor ask anything of another origin; its last look is kept as a picture."""
    context = visiting(browser, platform.url)
    context.request.post("/api/v1/auth/login", data={"username": "admin", "password": ADMIN_PASSWORD})
    viewing = Viewing(context.new_page(), platform.url)
    try:
        yield viewing
        assert viewing.complaints == []
    finally:
        ARTEFACTS.mkdir(exist_ok=True)
        viewing.page.screenshot(path=ARTEFACTS / f"{request.node.name}.png")
        context.close()


def series(name: str) -> list[Dataset]:
    """Return a real series, or the phantom where the real ones are not at hand."""
    if (REAL_SERIES / name).is_dir():
        return real_series(name)
    return list(slices_of(SUBJECTS[1]))
