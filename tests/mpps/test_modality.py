"""A modality tells a whole platform of its steps (MPPS), and asks the worklist meanwhile."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Iterator
from pathlib import Path
from socket import create_connection
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from pydicom import Dataset
from pydicom.uid import generate_uid

from neuronova.audit.search import Query, search
from neuronova.contract.audit import Action
from tests.browsing import ARTEFACTS, visiting
from tests.mpps.telling import STATION, associated, change, create, creation, end, reason, scheduled
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, Platform, running_platform
from tests.server import until
from tests.worklist.asking import ask, question
from tests.worklist.orders import device, order, patient, practitioner, typed
from tests.worklist.test_modality import write

DAY = "2026-04-01"
ERROR_ID = 0xA710


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with TemporaryDirectory(prefix="nn") as folder, running_platform(Path(folder) / "data") as running_one:
        running_one.bearer()
        running_one.allow(STATION, "worklist", "mpps")
        running_one.allow("OTHER_CT", "mpps")
        running_one.allow("READER", "worklist", "store")
        write(running_one, device(), practitioner("kim", "Kim"), practitioner("lee", "Lee"), patient())
        for number in range(1, 6):
            write(running_one, order(id=f"order-{number}", identifier=[typed("ACSN", f"ACC-{number}")]))
        until(lambda: len(offered(running_one)) == 5, "five orders are on the worklist")
        yield running_one


def offered(platform: Platform) -> dict[str, Dataset]:
    """Return what the modality is offered by accession number."""
    answers, _ = ask(platform, question(), STATION)
    return {answer.AccessionNumber: answer for answer in answers}


def chosen(platform: Platform, accession: str) -> Dataset:
    """Return the attribute list of a step that was chosen from the worklist."""
    answer = offered(platform)[accession]
    return creation(scheduled(answer.StudyInstanceUID, accession, accession), PatientID=answer.PatientID)


def row(platform: Platform, accession: str) -> dict[str, Any]:
    orders = platform.get(f"/api/v1/worklist/day?day={DAY}").json()["orders"]
    [found] = [one for one in orders if one["accession_number"] == accession]
    return dict(found)


def test_a_step_begins_and_is_completed(platform: Platform) -> None:
    asked, uid = chosen(platform, "ACC-1"), generate_uid()
    with associated(platform.settings) as association:
        assert create(association, uid, asked).Status == 0
        found = row(platform, "ACC-1")
        assert (found["progress"], found["performed"]) == ("in-progress", "started")
        assert "ACC-1" in offered(platform)
        assert change(association, uid, end()).Status == 0
    found = row(platform, "ACC-1")
    assert (found["progress"], found["performed"]) == ("in-progress", "done")
    until(lambda: "ACC-1" not in offered(platform), "what is completed is offered no more")


def test_a_discontinued_step_says_why_and_leaves_the_order(platform: Platform) -> None:
    asked, uid = chosen(platform, "ACC-2"), generate_uid()
    why = {"PerformedProcedureStepDiscontinuationReasonCodeSequence": reason("Patient allergic to media/contrast")}
    with associated(platform.settings) as association:
        assert create(association, uid, asked).Status == 0
        assert change(association, uid, end("DISCONTINUED", **why)).Status == 0
    found = row(platform, "ACC-2")
    assert (found["performed"], found["not_done_reason"]) == ("not-done", "Patient allergic to media/contrast")
    assert "ACC-2" in offered(platform)


def test_what_does_not_fit_is_answered_as_the_standard_says(platform: Platform) -> None:
    asked, uid = chosen(platform, "ACC-3"), generate_uid()
    incomplete = chosen(platform, "ACC-3")
    del incomplete.PerformedStationAETitle
    with associated(platform.settings) as association:
        assert association.send_c_echo().Status == 0
        assert change(association, uid, end()).Status == 0x0112
        assert create(association, uid, incomplete).Status == 0x0120
        assert create(association, uid, end()).Status == 0x0106
        assert create(association, uid, asked).Status == 0
        assert create(association, uid, asked).Status == 0x0111
        with associated(platform.settings, "OTHER_CT") as other:
            assert change(other, uid, end()).Status == 0x0124
        assert change(association, uid, end("DISCONTINUED")).Status == 0
        for status in ("COMPLETED", "IN PROGRESS"):
            refused = change(association, uid, end(status))
            assert (refused.Status, refused.ErrorID) == (0x0110, ERROR_ID)
    assert row(platform, "ACC-3")["performed"] == "not-done"


@pytest.mark.parametrize("title", ["STRANGER", "READER", "ct_one"])
def test_who_may_not_tell_of_steps_is_rejected(platform: Platform, title: str) -> None:
    with associated(platform.settings, title) as association:
        assert association.is_rejected
        answer = association.acceptor.primitive
        assert answer is not None
        assert answer.diagnostic == 0x03


def test_a_step_outlives_kill_9(platform: Platform) -> None:
    asked, uid = chosen(platform, "ACC-4"), generate_uid()
    with associated(platform.settings) as association:
        assert create(association, uid, asked).Status == 0
        before = platform.pid_of("cdss_api.wsgi")
        assert before is not None
        kill(platform, "cdss_api.wsgi")
    until(lambda: platform.pid_of("cdss_api.wsgi") not in (None, before), "the API is started again")
    until(platform.healthy, "the platform is well again")
    assert row(platform, "ACC-4")["performed"] == "started"
    with associated(platform.settings) as association:
        assert create(association, uid, asked).Status == 0x0111
        assert change(association, uid, end()).Status == 0
    assert row(platform, "ACC-4")["performed"] == "done"


def test_requests_are_recorded(platform: Platform) -> None:
    asked, uid = chosen(platform, "ACC-5"), generate_uid()
    with associated(platform.settings) as association:
        assert create(association, uid, asked).Status == 0
    journal = platform.settings.data / "audit" / "api.db"
    events = [record.event for record in search([journal], Query(action=Action.STORE), limit=1000).records]
    study = asked.ScheduledStepAttributesSequence[0].StudyInstanceUID
    [event] = [one for one in events if one.study == study and one.refers_to is None]
    assert (event.aet, event.patient_id, event.issuer) == (STATION, "P-100", "HOSPITAL")
    assert (event.reason, event.route, event.address) == ("modality", "N-CREATE MPPS", "127.0.0.1")


def test_the_worklists_page_shows_what_modalities_tell(platform: Platform, browser: Browser) -> None:
    known, other = chosen(platform, "ACC-2"), generate_uid()
    why = {"PerformedProcedureStepDiscontinuationReasonCodeSequence": reason("Patient refused")}
    with associated(platform.settings) as association:
        assert create(association, generate_uid(), known).Status == 0
        assert create(association, other, creation(scheduled(accession="", step=""))).Status == 0
        assert change(association, other, end("DISCONTINUED", **why)).Status == 0
    context = visiting(browser, platform.url, viewport={"width": 1280, "height": 800})
    try:
        context.request.post("/api/v1/auth/login", data={"username": "admin", "password": ADMIN_PASSWORD})
        page = context.new_page()
        page.goto("/console/worklist")
        expect(page.get_by_label("Day")).not_to_have_value("")  # the page has begun, and asks for today
        page.get_by_label("Day").fill(DAY)
        row = page.locator('tr[data-order="order-2"]')
        expect(row).to_contain_text(f"{STATION} 09:30– in progress")
        expect(row.locator(".tag").last).to_have_text("in progress")
        expect(page.get_by_role("heading", name="Examinations without an order")).to_be_visible()
        expect(page.locator("#unscheduled-rows tr")).to_contain_text(["discontinued: Patient refused"])
        for name, width in (("desktop", 1280), ("tablet", 820)):
            page.set_viewport_size({"width": width, "height": 1000})
            ARTEFACTS.mkdir(exist_ok=True)
            page.screenshot(path=ARTEFACTS / f"worklist-steps-{name}.png", full_page=True)
    finally:
        context.close()


def test_a_request_that_is_too_large_ends_the_connection(platform: Platform) -> None:
    with create_connection(("127.0.0.1", platform.settings.mpps_port), timeout=PATIENCE) as connection:
        connection.sendall(struct.pack(">BBL", 0x01, 0, 1 << 30))
        assert connection.recv(1) in (b"", b"\x07")
    huge = creation(PatientComments="x" * (9 << 20))
    with associated(platform.settings) as association:
        assert "Status" not in create(association, generate_uid(), huge)
    deep = creation()
    for _ in range(40):
        item, deep = deep, creation()
        deep.PerformedSeriesSequence = [item]
    with associated(platform.settings) as association:
        assert create(association, generate_uid(), deep).Status == 0x0106
        assert association.send_c_echo().Status == 0


def kill(platform: Platform, program: str) -> None:
    """End all processes of a program, as the machine does in its distress."""
    for pid, command in platform.pids().items():
        if program in command:
            os.kill(pid, signal.SIGKILL)
