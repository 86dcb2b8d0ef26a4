"""A signed report in a real Orthanc: by the outbox's worker, once, in the study that it is of."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread

from cdss_api.imaging.stowing import Stowing
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Verdict
from cdss_api.outbox.worker import Worker
from cdss_api.reading.delivery import SCOPES, ReportDelivery
from cdss_api.reading.encapsulating import instance_uid_of, series_uid_of
from cdss_api.reading.printing import FONT
from cdss_api.reading.signing import KIND, TARGET
from neuronova.contract.roles import Role
from neuronova.demo.studies import SUBJECTS, slices_of
from tests.access import http, token
from tests.accounts.api import json_of
from tests.fhir.asking import Fhir
from tests.patience import PATIENCE
from tests.reading.asking import save
from tests.reading.examinations import person, study
from tests.server import Server

SLICES = list(slices_of(SUBJECTS[1]))[:2]
STUDY = str(SLICES[0].StudyInstanceUID)


@pytest.fixture
def waiting(fhir: Fhir) -> str:
    """The study in the record; return its UID."""
    whom = fhir.create(person(1))
    body = study(1, whom, description="뇌 CT")
    body["identifier"] = [{"system": "urn:dicom:uid", "value": f"urn:oid:{STUDY}"}]
    fhir.create(body)
    return STUDY


def worker(fhir: Fhir, url: str, font: Path = FONT) -> Worker:
    service = fhir.api.service
    deliver = ReportDelivery(
        database=service.database,
        stowing=Stowing(
            orthanc_url=url,
            token=lambda: token(Role.SERVICE, "service:reports", scopes=frozenset(SCOPES)),
            clock=fhir.api.clock,
        ),
        clock=fhir.api.clock,
        font=font,
    )
    return Worker(service.database, deliver, fhir.api.clock, lambda: 0.0)


def objects(server: Server) -> list[dict[str, Any]]:
    pdf = "1.2.840.10008.5.1.4.1.1.104.1"
    found: list[dict[str, Any]] = server.get(f"/dicom-web/studies/{STUDY}/instances?SOPClassUID={pdf}")
    return found


def fetched(server: Server, report: str, version: int) -> Dataset:
    uids = (STUDY, series_uid_of(report), instance_uid_of(report, version))
    ids = http.post(f"{server.url}/tools/lookup", data=uids[2]).json()
    answer = http.get(f"{server.url}/instances/{ids[0]['ID']}/file")
    dataset = dcmread(io.BytesIO(answer.content))
    assert (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID) == uids
    return dataset


def test_it_lies_with_the_images_once_however_often_it_is_sent(
    fhir: Fhir, waiting: str, server: Server, tmp_path: Path
) -> None:
    server.send(*SLICES)
    code = {"system": "http://snomed.info/sct", "code": "17621005", "display": "Normal"}
    made = json_of(save(fhir, waiting, "final", codes=[code]))
    sends = worker(fhir, server.url)
    assert sends.step() == 1
    dataset = fetched(server, made["id"], 1)
    first = SLICES[0]
    for keyword in ("PatientID", "PatientName", "PatientSex", "AccessionNumber", "StudyDate", "StudyDescription"):
        assert dataset.get(keyword, "") == first.get(keyword, ""), keyword
    assert (dataset.Modality, dataset.Manufacturer, dataset.VerificationFlag) == ("DOC", "NeuroNova", "VERIFIED")
    [concept] = dataset.ConceptNameCodeSequence
    assert (concept.CodeValue, concept.CodingSchemeDesignator) == ("18748-4", "LN")
    assert dataset.DocumentTitle == "Report: 뇌 CT"
    # DCMTK takes the document out again.
    dataset.save_as(tmp_path / "report.dcm")
    subprocess.run(["dcm2pdf", tmp_path / "report.dcm", tmp_path / "report.pdf"], check=True, timeout=PATIENCE)
    pdf = (tmp_path / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip(b"\0\n").endswith(b"%%EOF")
    assert len(pdf) < 1_000_000  # the letters that it uses, not the whole font
    before = objects(server)
    assert len(before) == 1
    assert sends.deliver(message(made["id"], 1), renew=False).verdict is Verdict.OK
    assert len(objects(server)) == 1
    assert json_of(save(fhir, waiting, "amended", 1))["version"] == 2
    assert sends.step() == 1
    assert fetched(server, made["id"], 2).DocumentTitle == "Amended report: 뇌 CT"
    assert len(objects(server)) == 2


def message(report: str, version: int) -> Delivery:
    payload = f'{{"report": "{report}", "version": {version}}}'
    return Delivery(1, "k", TARGET, f"DiagnosticReport/{report}", KIND, payload, 1)


def test_while_orthanc_is_away_it_waits(fhir: Fhir, waiting: str, server: Server) -> None:
    server.send(*SLICES)
    made = json_of(save(fhir, waiting, "final"))
    away = worker(fhir, "http://127.0.0.1:9")
    for _ in range(20):
        away.step()
        fhir.api.clock.time += 400
    assert objects(server) == []
    assert worker(fhir, server.url).step() == 1
    assert fetched(server, made["id"], 1).InstanceNumber == 1


def test_what_cannot_be_delivered_says_why(fhir: Fhir, waiting: str, server: Server) -> None:
    made = json_of(save(fhir, waiting, "final"))
    deliver = worker(fhir, server.url).deliver
    assert deliver(message(made["id"], 1), renew=False).verdict is Verdict.TRANSIENT  # no images: they may come
    assert deliver(message("nobody", 1), renew=False).verdict is Verdict.PERMANENT
