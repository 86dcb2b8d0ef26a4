"""A modality at a whole platform: it reads by C-FIND what an EMR writes as FHIR."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests
from pydicom import Dataset

from neuronova.audit.search import Query, search
from neuronova.contract.audit import Action
from tests.patience import PATIENCE
from tests.running import Platform, running_platform
from tests.server import Server, running, until
from tests.worklist.asking import ask, question
from tests.worklist.orders import allergy, device, order, patient, practitioner, typed, weight

EFFECT = 1.0  # seconds within which a change is seen
BUSY = 10.0  # and within which it is on a machine that has stopped for a moment
KOREAN = ["", "ISO 2022 IR 149"]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with TemporaryDirectory(prefix="nn") as folder, running_platform(Path(folder) / "data") as running_one:
        running_one.bearer()
        for title, operations in (("SCANNER", ["worklist"]), ("SENDER", ["store"])):
            put(running_one, f"modalities/{title}", {"host": "127.0.0.1", "operations": operations})
        fill(running_one)
        until(lambda: len(find(running_one)) == 3, "three orders are on the worklist")
        yield running_one


def put(platform: Platform, path: str, body: dict[str, Any]) -> None:
    kind = "application/fhir+json" if path.startswith("fhir/") else "application/json"
    headers = {"Authorization": f"Bearer {platform.bearer()}", "Content-Type": kind}
    answer = requests.put(f"{platform.url}/api/v1/{path}", json=body, headers=headers, timeout=PATIENCE)
    assert answer.ok, answer.text


def write(platform: Platform, *resources: dict[str, Any]) -> None:
    for one in resources:
        put(platform, f"fhir/{one['resourceType']}/{one['id']}", one)


def fill(platform: Platform) -> None:
    write(platform, device(), device("mr1", "MR_ONE"), practitioner("kim", "Kim"), practitioner("lee", "Lee"))
    write(platform, patient(), weight(70.5, "2026-03-01"), allergy("조영제"), order())
    write(
        platform, patient(id="muller", identifier=[{"value": "P-200"}], name=[{"family": "Müller", "given": ["Jörg"]}])
    )
    write(platform, patient(id="kim", identifier=[{"value": "P-300"}], name=[{"family": "김", "given": ["철수"]}]))
    write(platform, of_muller(), of_kim())


def of_muller(**more: Any) -> dict[str, Any]:
    changed = {
        "identifier": [typed("ACSN", "ACC-2")],
        "subject": {"reference": "Patient/muller"},
        "orderDetail": [{"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR"}]}],
        "performer": [{"reference": "Device/mr1"}],
        "occurrenceDateTime": "2026-04-02T10:00:00+09:00",
    }
    return order(id="order-2", **(changed | more))


def of_kim(**more: Any) -> dict[str, Any]:
    changed = {
        "identifier": [typed("ACSN", "ACC-3")],
        "subject": {"reference": "Patient/kim"},
        "occurrenceDateTime": "2026-04-03T11:00:00+09:00",
    }
    return order(id="order-3", **(changed | more))


def find(platform: Platform, **keys: Any) -> list[str]:
    answers, statuses = ask(platform, question(**keys))
    assert statuses[-1:] in ([0], []), statuses
    return sorted(answer.AccessionNumber for answer in answers)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"ScheduledStationAETitle": "CT_ONE"}, ["ACC-1", "ACC-3"]),
        ({"ScheduledStationAETitle": "MR_ONE"}, ["ACC-2"]),
        ({"Modality": "MR"}, ["ACC-2"]),
        ({"ScheduledProcedureStepStartDate": "20260401-20260402"}, ["ACC-1", "ACC-2"]),
        (
            {
                "ScheduledProcedureStepStartDate": "20260401-20260402",
                "ScheduledProcedureStepStartTime": "093100-1000",
            },
            ["ACC-2"],
        ),
        ({"AccessionNumber": "ACC-3"}, ["ACC-3"]),
        ({"PatientName": "hong*"}, ["ACC-1"]),
        ({"PatientName": "MULLER*"}, ["ACC-2"]),
        ({"PatientName": "Mü*", "SpecificCharacterSet": "ISO_IR 100"}, ["ACC-2"]),
        ({"PatientName": "홍*", "SpecificCharacterSet": "ISO_IR 192"}, ["ACC-1"]),
        ({"PatientName": "*철수", "SpecificCharacterSet": KOREAN}, ["ACC-3"]),
        ({"PatientName": "Nobody"}, []),
    ],
)
def test_a_modality_finds(platform: Platform, keys: dict[str, Any], found: list[str]) -> None:
    assert find(platform, **keys) == found


def test_an_answer_has_what_was_asked_for_and_no_more(platform: Platform) -> None:
    (answer,), _ = ask(platform, question(AccessionNumber="ACC-1", SpecificCharacterSet=KOREAN))
    assert answer.SpecificCharacterSet == "ISO_IR 192"
    assert str(answer.PatientName) == "Hong^Gildong=洪^吉洞=홍^길동"
    assert (answer.PatientID, answer.IssuerOfPatientID, answer.PatientWeight) == ("P-100", "HOSPITAL", 70.5)
    assert (answer.Allergies, answer.RequestedProcedureDescription) == ("조영제", "CT 뇌")
    assert answer.StudyInstanceUID.startswith("2.25.")
    (step,) = answer.ScheduledProcedureStepSequence
    assert (step.Modality, step.ScheduledStationAETitle) == ("CT", "CT_ONE")
    assert (step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime) == ("20260401", "093000")
    assert {one.keyword for one in answer} == {one.keyword for one in question(SpecificCharacterSet=KOREAN)}
    assert {one.keyword for one in step} == {one.keyword for one in question().ScheduledProcedureStepSequence[0]}


def test_codes_and_a_whole_step_are_answered(platform: Platform) -> None:
    asked = Dataset()
    asked.AccessionNumber = "ACC-1"
    asked.ScheduledProcedureStepSequence = []
    code = Dataset()
    code.CodeValue = code.CodingSchemeDesignator = ""
    asked.RequestedProcedureCodeSequence = [code]
    (answer,), _ = ask(platform, asked)
    (code,) = answer.RequestedProcedureCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator, "CodeMeaning" in code) == ("303653007", "SCT", False)
    (step,) = answer.ScheduledProcedureStepSequence
    assert step.ScheduledPerformingPhysicianName == "Kim^A"


def findscu(platform: Platform, title: str, *keys: str) -> tuple[int, str]:
    """Return what dcmtk's modality prints, and its exit code."""
    settings = platform.settings
    asked = [argument for key in keys for argument in ("-k", key)]
    command = ["findscu", "-v", "-W", "-aet", title, "-aec", settings.aet, "127.0.0.1", str(settings.dicom_port)]
    done = subprocess.run([*command, *asked], capture_output=True, timeout=PATIENCE, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def test_findscu_finds(platform: Platform) -> None:
    step = "ScheduledProcedureStepSequence[0]."
    keys = (f"{step}Modality=CT", f"{step}ScheduledStationAETitle=CT_ONE", "AccessionNumber", "PatientName")
    code, printed = findscu(platform, "SCANNER", *keys)
    assert code == 0
    assert sorted(re.findall(r"ACC-\d", printed)) == ["ACC-1", "ACC-3"]
    assert "김^철수" in printed
    code, printed = findscu(
        platform, "SCANNER", "SpecificCharacterSet=ISO_IR 192", "PatientName=김*", "AccessionNumber"
    )
    assert re.findall(r"ACC-\d", printed) == ["ACC-3"]


@pytest.mark.parametrize("title", ["STRANGER", "SENDER"])
def test_who_may_not_read_the_worklist_is_refused(platform: Platform, title: str) -> None:
    answers, statuses = ask(platform, question(), title)
    assert answers == []
    assert 0 not in statuses
    code, printed = findscu(platform, title, "AccessionNumber")
    assert "ACC-" not in printed
    assert (code != 0) is (title == "STRANGER")  # findscu calls a request that is aborted a success


def test_a_changed_order_changes_and_a_done_one_is_gone(platform: Platform) -> None:
    took = []

    def change(found: list[str], sought: dict[str, str], **changed: Any) -> None:
        write(platform, of_kim(**changed))
        began = time.monotonic()
        until(lambda: find(platform, **sought) == found, f"{sought} finds {found}", BUSY)
        took.append(time.monotonic() - began)

    change(["ACC-3"], {"ScheduledProcedureStepStartDate": "20260409"}, occurrenceDateTime="2026-04-09T11:00:00+09:00")
    for status in ("revoked", "active", "completed", "active"):
        change(["ACC-3"] if status == "active" else [], {"AccessionNumber": "ACC-3"}, status=status)
    assert median(took) < EFFECT, took
    print("seconds:", took)


def test_queries_are_recorded(platform: Platform) -> None:
    before = time.time()
    find(platform, AccessionNumber="ACC-2")
    journal = platform.settings.data / "audit" / "orthanc.db"
    events = [record.event for record in search([journal], Query(action=Action.WORKLIST), limit=1000).records]
    (event,) = [one for one in events if one.patient_id == "P-200" and one.refers_to is None][:1]
    assert (event.action, event.aet, event.reason, event.issuer) == (Action.WORKLIST, "SCANNER", "modality", "")
    assert event.time <= before + 60


def test_the_worklist_outlives_the_api_and_a_restart(platform: Platform) -> None:
    """The last test of this platform: afterwards Orthanc alone is started on its data."""
    find_all = find(platform)
    assert find_all == ["ACC-1", "ACC-2", "ACC-3"]
    platform.stop(signal.SIGINT)
    with running(Server(platform.settings)) as alone:
        assert not [port for port in (platform.settings.api_port,) if _answers(port)]
        until(lambda: alone.process is not None and find(platform) == find_all, "the worklist is still there")


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/api/v1/health", timeout=2).ok
    except requests.ConnectionError:
        return False
