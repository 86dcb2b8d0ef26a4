"""A model's result at an external FHIR server, and why OpenEMR gets none."""

from __future__ import annotations

from cdss_api.consequences import writing
from cdss_api.results.recording import ACTOR, record
from tests.emr.delivering import Sender
from tests.emr.test_openemr import Site, emr, site
from tests.fhir.asking import Fhir, patient
from tests.reading.examinations import study, uid
from tests.results.rows import change, published, row_of

__all__ = ["emr", "site"]


def written(fhir: Fhir) -> int:
    """Publish a result of a patient's study in the record; return its row."""
    images = fhir.create(study(1, fhir.create(patient("P-1"))))
    number = published(fhir.api, {"study": images, "uid": uid(1)})
    bring(fhir, number)
    return number


def bring(fhir: Fhir, number: int) -> None:
    """Bring the record to what a row says."""
    with writing(fhir.api.service, ACTOR) as store:
        record(store, row_of(fhir.api, number))


def test_it_arrives_with_what_it_refers_to_and_so_does_its_change(sender: Sender) -> None:
    number = written(sender.fhir)
    sender.settle()
    line, row = sender.line, row_of(sender.fhir.api, number)
    report = line.one("DiagnosticReport", f"ai-{row.job_key}")
    observations = [line.one("Observation", f"ai-{row.job_key}-{part}") for part in ("m1", "f1")]
    images = line.one("ImagingStudy", row.imaging_study or "")
    provenance = line.one("Provenance", f"ai-{row.job_key}")
    assert report["status"] == "preliminary"
    assert report["result"] == [{"reference": f"Observation/{one['id']}"} for one in observations]
    assert report["imagingStudy"] == [{"reference": f"ImagingStudy/{images['id']}"}]
    (device,) = {one["device"]["reference"] for one in observations}
    assert device == provenance["agent"][0]["who"]["reference"]
    targets = {one["reference"] for one in provenance["target"]}
    assert targets == {f"{one['resourceType']}/{one['id']}" for one in (*observations, report)}
    assert observations[0]["valueQuantity"]["code"] == "mL"
    change(sender.fhir.api, number, withdrawn_at=sender.clock.time)
    bring(sender.fhir, number)
    sender.settle()
    assert line.one("DiagnosticReport", f"ai-{row.job_key}")["status"] == "entered-in-error"
    assert line.one("Observation", f"ai-{row.job_key}-m1")["status"] == "entered-in-error"


def test_openemr_gets_no_document_of_an_accepted_result(site: Site) -> None:
    kim = site.fhir.create(patient("P-2", name=[{"family": "Kim", "given": ["Minji"]}], birthDate="1980-01-01"))
    images = site.fhir.create(study(1, kim))
    number = published(site.fhir.api, {"study": images, "uid": uid(1)})
    change(site.fhir.api, number, verdict="accepted")
    bring(site.fhir, number)
    assert site.settle() == []
    assert site.emr.documents == []
