"""What a newcomer sees after `neuronova demo`: filled pages, and the same ones after a second time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.chain.hospital import Hospital
from tests.running import Platform
from tests.server import until

TODAY = {
    "demo-order-1": "in-progress",
    "demo-order-2": "in-progress",
    "demo-order-3": "scheduled",
    "demo-order-4": "scheduled",
    "demo-order-5": "in-progress",
}


@pytest.fixture
def hospital(platform: Platform) -> Iterator[Hospital]:
    platform.demo()
    yield Hospital(platform)


def state(hospital: Hospital) -> dict[str, dict[str, str]]:
    """Return the versions of all that the demonstration writes, by type and id."""
    kinds = ("Patient", "Device", "ServiceRequest", "DiagnosticReport", "ImagingStudy")
    return {
        kind: {one["id"]: one["meta"]["versionId"] for one in hospital.found(f"{kind}?_count=100")} for kind in kinds
    }


def is_told(hospital: Hospital) -> bool:
    """Tell whether the record knows of each instance that Orthanc has: it is told of them shortly after."""
    asked = "/dicom-web/studies?includefield=NumberOfStudyRelatedInstances"
    kept = {one["0020000D"]["Value"][0]: one["00201208"]["Value"][0] for one in hospital.told("GET", asked)}
    known = {
        one["identifier"][0]["value"].removeprefix("urn:oid:"): one["numberOfInstances"]
        for one in hospital.found("ImagingStudy?_count=100")
    }
    return known == kept


def orders(hospital: Hospital) -> dict[str, str]:
    day = datetime.now().astimezone().date().isoformat()
    found = hospital.told("GET", f"/api/v1/worklist/day?day={day}")["orders"]
    return {one["order"]: one["progress"] for one in found}


def test_the_pages_are_filled_and_stay_the_same(hospital: Hospital) -> None:
    until(lambda: orders(hospital) == TODAY, "today's orders")
    studies = hospital.told("GET", "/api/v1/reading")["studies"]
    listed = [(one["priority"], one["patient"]["name"]) for one in studies]
    assert listed[0] == ("stat", "Hong Gildong / 홍길동")
    # Which of the others came first is up to the network.
    assert sorted(listed[1:]) == [("routine", "Park Sora / 박소라"), ("routine", "Phantom Demo")]
    report = hospital.told("GET", f"/api/v1/reports/{studies[0]['study']}")
    assert [one["status"] for one in report["priors"]] == ["final"]
    assert hospital.told("GET", "/api/v1/imaging/mismatches")["mismatches"] == []
    until(lambda: is_told(hospital), "all that was sent is in the record")
    before = state(hospital)
    assert [len(before[kind]) for kind in ("Patient", "ServiceRequest", "ImagingStudy")] == [5, 6, 3]
    hospital.platform.demo()
    assert state(hospital) == before
