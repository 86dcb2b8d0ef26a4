"""Legal holds: nothing that is held leaves a real Orthanc, by whichever route and whoever asks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuronova.audit.search import Query, search
from neuronova.contract.audit import Action, Outcome
from neuronova.contract.grants import Change, HoldChange, Update
from orthanc_plugins.access.address import read_address
from orthanc_plugins.access.gate import removal_of
from orthanc_plugins.access.ledger import Ledger
from orthanc_plugins.access.removal import ANYTHING, BY_UID, Removal
from orthanc_plugins.access.store import Store
from orthanc_plugins.room import require_no_loss
from tests.access import accounts, http
from tests.gate.people import ALL, HOSPITAL, KIM, KIM_MR, LEE, NAMESAKE
from tests.server import Server, running, settings_for
from tests.synthetic import part10, uid

IDENTIFIER = "0123"
HOLDS = [
    HoldChange(hold="1", held=True, study=uid("kim 1")),
    HoldChange(hold="2", held=True, patient_id="LEE", issuer=HOSPITAL),
    HoldChange(hold="3", held=True, study=uid("kim 2")),
    HoldChange(hold="3", held=False),
]


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET /studies/0123", None),
        ("DELETE /patients/0123", Removal("patients", IDENTIFIER)),
        ("DELETE /studies/0123", Removal("studies", IDENTIFIER)),
        ("DELETE /studies/0123/", Removal("studies", IDENTIFIER)),
        ("DELETE /series/0123", Removal("series", IDENTIFIER)),
        ("DELETE /instances/0123", Removal("instances", IDENTIFIER)),
        ("DELETE /instances/0123/attachments/received", Removal("instances", IDENTIFIER)),
        ("PUT /instances/0123/attachments/received", Removal("instances", IDENTIFIER)),
        ("POST /studies/0123/modify", Removal("studies", IDENTIFIER)),
        ("POST /studies/0123/anonymize", Removal("studies", IDENTIFIER)),
        ("POST /studies/0123/split", Removal("studies", IDENTIFIER)),
        ("POST /series/0123/reconstruct", Removal("series", IDENTIFIER)),
        ("POST /studies/0123/merge", ANYTHING),
        ("POST /studies/0123/archive", None),
        ("POST /tools/bulk-delete", ANYTHING),
        ("POST /tools/bulk-modify", ANYTHING),
        ("POST /tools/bulk-anonymize", ANYTHING),
        ("POST /jobs/0123/resubmit", ANYTHING),
        ("POST /jobs/0123/cancel", None),
        ("DELETE /_stock-dicom-web/studies/1.2", ANYTHING),
        ("DELETE /dicom-web/studies/1.2", Removal(BY_UID, "1.2")),
        ("DELETE /dicom-web/studies/1.2/series/1.3", Removal(BY_UID, "1.2")),
        ("POST /dicom-web/studies", None),
        ("POST /instances", None),
        ("POST /tools/find", None),
        ("DELETE /modalities/ct", None),
    ],
)
def test_what_a_request_may_remove(request_line: str, expected: Removal | None) -> None:
    method, _, path = request_line.partition(" ")
    assert removal_of(method, path, read_address(method, path)) == expected


def test_holds_are_kept_over_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "access.db")
    Ledger(store).apply(Update(version=1, full=False, changes=tuple(HOLDS)), time.time())
    assert set(Ledger(store).holds) == {"1", "2"}
    Ledger(store).apply(Update(version=2, full=True, changes=()), time.time())
    assert Ledger(store).holds == {}
    store.close()


def test_what_another_orthanc_takes_in_while_one_starts_is_asked_for_again(tmp_path: Path) -> None:
    """Its process writes to the same file between two reads."""

    class Interrupted(Store):
        def version(self) -> tuple[int, float]:
            found = super().version()
            other.save(Update(version=2, full=False, changes=tuple(HOLDS)), time.time())
            return found

        def changes(self) -> list[Change]:
            found = super().changes()
            other.save(Update(version=2, full=False, changes=tuple(HOLDS)), time.time())
            return found

    other, store = Store(tmp_path / "access.db"), Interrupted(tmp_path / "access.db")
    other.save(Update(version=1, full=True, changes=()), time.time())
    ledger = Ledger(store)
    assert ledger.version == 1 or set(ledger.holds) == {"1", "2"}
    other.close()
    store.close()


@pytest.mark.parametrize("name", ["MaximumStorageSize", "MaximumPatientCount", "OverwriteInstances"])
def test_orthanc_loses_nothing_by_itself(name: str) -> None:
    require_no_loss({name: 0})
    with pytest.raises(ValueError, match=name):
        require_no_loss({name: 1})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = settings_for(tmp_path_factory.mktemp("held") / "data")
    with running(Server(settings, known=[*accounts(), *HOLDS])) as server:
        for dataset in ALL:
            server.upload(part10(dataset))
        yield server


def identifier(server: Server, level: str, uid_: str) -> str:
    found = http.post(f"{server.url}/tools/lookup", data=uid_).json()
    return str(next(one["ID"] for one in found if one["Type"] == level))


def names(server: Server, dataset_uid: str, series: str, instance: str) -> dict[str, str]:
    study = identifier(server, "Study", dataset_uid)
    return {
        "study": study,
        "series": identifier(server, "Series", series),
        "instance": identifier(server, "Instance", instance),
        "patient": server.get(f"/studies/{study}/patient")["ID"],
        "uid": dataset_uid,
    }


ROUTES = (
    "DELETE /patients/{patient}",
    "DELETE /studies/{study}",
    "DELETE /series/{series}",
    "DELETE /instances/{instance}",
    "DELETE /instances/{instance}/attachments/received",
    "POST /studies/{study}/modify",
    "POST /series/{series}/modify",
    "POST /patients/{patient}/modify",
    "POST /studies/{study}/anonymize",
    "POST /studies/{study}/split",
    "POST /studies/{study}/merge",
    "POST /tools/bulk-delete",
    "POST /tools/bulk-modify",
    "DELETE /dicom-web/studies/{uid}",
    "DELETE /_stock-dicom-web/studies/{uid}",
)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("held", [KIM, LEE], ids=["its study is held", "its patient is held"])
def test_no_route_removes_what_is_held(server: Server, held: object, route: str) -> None:
    dataset = KIM if held is KIM else LEE
    named = names(server, dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    before = server.get("/statistics")["CountInstances"]
    method, path = route.format(**named).split(" ")
    body = {
        "Resources": [named["study"]],
        "Series": [named["series"]],
        "Replace": {"PatientName": "X"},
        "Keep": ["StudyInstanceUID"],
        "KeepSource": False,
        "Force": True,
    }
    answer = http.request(method, server.url + path, data=json.dumps(body) if method == "POST" else None)
    assert answer.status_code in (403, 409), answer.text
    assert server.get("/statistics")["CountInstances"] == before
    assert server.get(f"/instances/{named['instance']}/metadata")
    if not path.startswith("/dicom-web"):
        headers = {"X-Original-Path": path, "X-Original-Method": method}
        why = http.get(f"{server.url}/neuronova/refusal", headers=headers)
        assert (why.status_code, why.json()["code"]) == (409, "legal-hold")


def test_a_patient_of_one_held_study_stays(server: Server) -> None:
    named = names(server, NAMESAKE.StudyInstanceUID, NAMESAKE.SeriesInstanceUID, NAMESAKE.SOPInstanceUID)
    # Orthanc's patient ignores the issuer, so this one has the held study of another issuer, too.
    assert http.delete(f"{server.url}/patients/{named['patient']}").status_code == 403


def test_what_is_not_held_leaves_and_is_named_in_the_record(server: Server) -> None:
    named = names(server, KIM_MR.StudyInstanceUID, KIM_MR.SeriesInstanceUID, KIM_MR.SOPInstanceUID)
    assert http.delete(f"{server.url}/studies/{named['study']}").status_code == 200
    assert http.delete(f"{server.url}/studies/{named['study']}").status_code == 404  # it is gone
    journal = server.settings.data / "audit" / "orthanc.db"
    query = Query(action=Action.DELETE, study=KIM_MR.StudyInstanceUID)
    (record,) = search([journal], query).records
    assert (record.event.outcome, record.event.patient_id) == (Outcome.ALLOWED, "KIM")
    assert record.event.subject == "service:tests"
    denied = Query(action=Action.DELETE, study=KIM.StudyInstanceUID, outcome=Outcome.DENIED)
    assert search([journal], denied).records
