"""A modality sends, Orthanc deletes, processes die: the ImagingStudies follow."""

from __future__ import annotations

import os
import signal
import time

from tests.imaging.asking import SOON, Hospital, sent_slice
from tests.server import until
from tests.synthetic import uid


def test_a_study_appears_grows_and_goes(hospital: Hospital) -> None:
    began = time.monotonic()
    hospital.send(sent_slice(1))
    first = hospital.until_study(numberOfInstances=1)
    print("seconds:", time.monotonic() - began)
    assert first["identifier"][0] == {"system": "urn:dicom:uid", "value": f"urn:oid:{uid('imaging')}"}
    assert (first["subject"], first["basedOn"]) == (
        {"reference": "Patient/hong"},
        [{"reference": "ServiceRequest/order-1"}],
    )
    (endpoint,) = hospital.found("Endpoint")
    assert first["endpoint"] == [{"reference": f"Endpoint/{endpoint['id']}"}]
    assert endpoint["address"] == f"{hospital.platform.url}/dicom-web"
    assert hospital.found("Patient?_summary=false")[0]["id"] == "hong"
    hospital.send(sent_slice(2), sent_slice(3, series="other", SeriesNumber=2))
    grown = hospital.until_study(numberOfInstances=3, numberOfSeries=2)
    assert [one["numberOfInstances"] for one in grown["series"]] == [2, 1]
    assert grown["id"] == first["id"]
    (series,) = [one for one in hospital.orthanc("GET", "/series?expand") if len(one["Instances"]) == 1]
    hospital.orthanc("DELETE", f"/series/{series['ID']}")
    hospital.until_study(numberOfInstances=2, numberOfSeries=1)
    (study,) = hospital.orthanc("GET", "/studies")
    hospital.orthanc("DELETE", f"/studies/{study}")
    until(lambda: hospital.studies() == [], "the ImagingStudy is gone", SOON)
    hospital.send(sent_slice(1))
    assert hospital.until_study(numberOfInstances=1)["id"] == first["id"]


def test_nothing_is_lost_while_the_service_is_away(hospital: Hospital) -> None:
    pid = hospital.platform.pid_of("cdss_api.wsgi")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # as one that hangs: connections are taken and nothing is answered
    try:
        hospital.send(sent_slice(1), sent_slice(2))
    finally:
        os.kill(pid, signal.SIGKILL)
    hospital.platform.until_up()
    hospital.until_study(numberOfInstances=2)


def test_a_killed_plugin_tells_what_came_and_went_meanwhile(hospital: Hospital) -> None:
    hospital.send(sent_slice(1), sent_slice(1, study="second", AccessionNumber=""))
    until(lambda: len(hospital.studies()) == 2, "both are told", SOON)
    hospital.send(sent_slice(2))
    _kill_orthanc(hospital)
    until(lambda: [one for one in hospital.studies() if one["numberOfInstances"] == 2], "the last instance", SOON)
    (study,) = [
        one["ID"] for one in hospital.orthanc("GET", "/studies?expand") if len(one["Series"]) and _is_second(one)
    ]
    hospital.orthanc("DELETE", f"/studies/{study}")
    _kill_orthanc(hospital)
    assert hospital.until_study(numberOfInstances=2)["identifier"][0]["value"] == f"urn:oid:{uid('imaging')}"


def _is_second(study: dict[str, dict[str, str]]) -> bool:
    return study["MainDicomTags"]["StudyInstanceUID"] == uid("second")


def _kill_orthanc(hospital: Hospital) -> None:
    pid = hospital.platform.pid_of("Orthanc")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: hospital.platform.pid_of("Orthanc") not in (None, pid), "Orthanc is started again")
    hospital.platform.until_up()
