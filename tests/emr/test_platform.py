"""The whole platform, its worker, its commands and its page, with an external FHIR server as the target."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from neuronova.platform.layout import REPOSITORY
from tests.browsing import ARTEFACTS, visiting
from tests.emr.peer import Fault, Line
from tests.fhir.asking import patient
from tests.fhir.resources import good
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, NEURONOVA, Platform, running_platform
from tests.server import until


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A platform whose folder has a short name: the supervisor's socket lies in it."""
    with TemporaryDirectory(prefix="nn") as folder, running_platform(Path(folder) / "data") as running:
        yield running


@pytest.fixture
def page(platform: Platform, browser: Browser) -> Iterator[Page]:
    """A page of the admin's; its last look is kept as a picture."""
    context = visiting(browser, platform.url)
    context.request.post("/api/v1/auth/login", data={"username": "admin", "password": ADMIN_PASSWORD})
    page = context.new_page()
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "outbox.png")
    context.close()


def command(platform: Platform, *words: str) -> str:
    done = subprocess.run(
        [NEURONOVA, "outbox", *words],
        env=platform.environment | {"COLUMNS": "200"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(platform: Platform, kind: str, **members: Any) -> str:
    document = patient(**members) if kind == "Patient" else good(kind, **members)
    return str(platform.post(f"/api/v1/fhir/{kind}", document)["id"])


def test_it_delivers_and_a_person_sees_to_the_rest(platform: Platform, line: Line, page: Page) -> None:
    command(platform, "target", "add", "emr", line.url, "--kinds", "Patient,ServiceRequest", "--profile", "medplum")
    line.down = True
    kim = write(platform, "Patient")
    killed = platform.pid_of("cdss_api.worker")
    assert killed
    os.kill(killed, signal.SIGKILL)
    until(lambda: platform.pid_of("cdss_api.worker") not in (None, killed), "the worker's restart")
    ct = write(platform, "ServiceRequest", subject={"reference": f"Patient/{kim}"}, requester=None)
    line.down = False
    until(lambda: len(line.taken) == 2, "the delivery")
    assert line.taken == ["Patient", "ServiceRequest"]
    assert line.one("ServiceRequest", ct)["subject"]["reference"] == f"Patient/{line.one('Patient', kim)['id']}"

    line.faults = [Fault.REFUSED]
    write(platform, "Patient")
    until(lambda: "dead_letter" in command(platform, "list", "--state", "dead_letter"), "the dead letter")
    number = re.findall(r"│ (\d+) ", command(platform, "list", "--state", "dead_letter"))[0]
    assert "HTTP 422" in command(platform, "show", number)
    page.goto("/console/outbox")
    row = page.locator("#targets tr").filter(has_text="emr")
    expect(row).to_contain_text("sending")
    letter = page.locator("#letters details")
    letter.locator("summary").click()
    expect(letter).to_contain_text("HTTP 422")
    expect(letter).to_contain_text("Not so")
    expect(letter).to_contain_text('"resourceType":"Patient"')
    page.screenshot(path=ARTEFACTS / "outbox-letter.png")
    letter.get_by_role("button", name="Replay").click()
    until(lambda: line.taken == ["Patient", "ServiceRequest", "Patient"], "the replayed delivery")
    expect(page.locator("#letters")).to_contain_text("There are none.")
    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("paused")
    assert "paused" in command(platform, "target", "list")
    command(platform, "target", "resume", "emr")
    expect(row).to_contain_text("sending")
    command(platform, "target", "remove", "emr", "--drop")
    assert not (platform.settings.data / "keys" / "outbox" / "emr.json").exists()
