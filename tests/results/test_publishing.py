"""Results in a real Orthanc and on both databases: once, of the right patient, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cdss_api.imaging.archive import Archive, Unavailable
from cdss_api.imaging.stowing import Stowing
from cdss_api.jobs.states import State
from cdss_api.outbox.exchange import Undelivered
from cdss_api.outbox.verdicts import Verdict
from cdss_api.results.judging import withdraw
from neuronova.contract.audit import Action
from neuronova.contract.roles import Role
from tests.audit.events import records
from tests.results.making import LIMITS, MODEL, images, result
from tests.results.ward import Ward

WRITTEN = ["SEG", "SR", "SR"]


class Killed(BaseException):
    """The process has ended."""


class Dying(Stowing):
    """Ends right after the archive has all."""

    def store(self, files: Sequence[tuple[str, bytes]]) -> None:
        super().store(files)
        raise Killed


def dying(ward: Ward) -> Dying:
    whole = ward.stowing()
    return Dying(orthanc_url=whole.orthanc_url, token=whole.token, clock=whole.clock)


def test_a_result_is_in_the_archive_in_its_row_and_in_the_record(ward: Ward) -> None:
    ward.publish()
    assert ward.stored() == WRITTEN
    row, job = ward.row(), ward.job()
    assert (row.rule, row.input_hash, row.digest) == ("ct-head", job.input_hash, MODEL.digest)
    assert row.published_at is not None
    assert row.critical
    report = ward.report()
    assert (report["status"], len(report["result"])) == ("preliminary", 2)
    assert report["imagingStudy"] == [{"reference": f"ImagingStudy/{row.imaging_study}"}]
    (provenance,) = ward.record("Provenance")
    (device,) = ward.record("Device")
    assert provenance["agent"][0]["who"] == {"reference": f"Device/{device['id']}"}
    assert [one["text"] for one in device["note"]] == list(LIMITS)


def test_twice_is_once(ward: Ward) -> None:
    ward.publish()
    before, version = ward.row(), ward.report()["meta"]["versionId"]
    ward.fhir.api.clock.time += 60
    ward.publish()
    assert ward.stored() == WRITTEN
    assert (ward.row().made_at, ward.row().published_at) == (before.made_at, before.published_at)
    assert ward.report()["meta"]["versionId"] == version


def test_a_process_that_dies_after_the_archive_has_it_loses_nothing(ward: Ward) -> None:
    with pytest.raises(Killed):
        ward.publish(dying(ward))
    assert ward.row().published_at is None
    assert ward.record("DiagnosticReport") == []
    ward.publish()
    assert ward.stored() == WRITTEN
    assert ward.report()["status"] == "preliminary"


def test_without_a_mask_there_is_no_segmentation(ward: Ward) -> None:
    ward.publish(said=result(ward.sources, mask=None, findings=()))
    assert ward.stored() == ["SR", "SR"]
    assert ward.row().segmentation_uid is None
    assert not ward.row().critical


CHANGED = {"another-image": {"uids_hash": "0" * 64}, "another-patient": {"patient_id": "SOMEBODY"}}


@pytest.mark.parametrize("changes", CHANGED.values(), ids=CHANGED.keys())
def test_a_series_that_is_another_one_by_now_gets_nothing(ward: Ward, changes: dict[str, Any]) -> None:
    with ward.fhir.api.service.database.writing() as session:
        job = session.merge(ward.job())
        for name, value in changes.items():
            setattr(job, name, value)
    with pytest.raises(Undelivered) as raised:
        ward.publish()
    assert raised.value.outcome.verdict is Verdict.TRANSIENT
    assert ward.stored() == []


def test_a_superseded_result_is_taken_out_of_the_record_and_the_archive(ward: Ward) -> None:
    ward.publish()
    ward.end(State.SUPERSEDED)
    assert withdraw(ward.fhir.api.service) == 1
    assert withdraw(ward.fhir.api.service) == 0
    assert {one["status"] for one in (ward.report(), *ward.record("Observation"))} == {"entered-in-error"}
    assert ward.stored() == WRITTEN  # until the message is delivered
    ward.remove()
    assert ward.stored() == []
    assert len(ward.server.get(f"/dicom-web/studies/{ward.study}/instances")) == len(ward.sources)
    deleted = [
        record.event
        for record in records(ward.server.settings.data / "audit" / "orthanc.db")
        if record.event.action == Action.DELETE and record.event.subject == "service:results"
    ]
    assert len(deleted) >= len(WRITTEN)


class Stopping(Archive):
    """Orthanc, until it does not answer any more."""

    left = 4

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Unavailable("stopped")
        return super()._ask(method, path, **more)


def test_an_interrupted_removal_is_gone_on_with(ward: Ward) -> None:
    ward.publish()
    ward.end(State.SUPERSEDED)
    withdraw(ward.fhir.api.service)
    whole = ward.archive()
    ward.remove(Stopping(ward.url, whole._token))
    assert len(ward.stored()) == 2
    ward.fhir.api.clock.time += 600
    ward.remove()
    assert ward.stored() == []


def test_what_comes_back_before_it_is_removed_waits_for_that(ward: Ward) -> None:
    ward.publish()
    ward.end(State.SUPERSEDED)
    withdraw(ward.fhir.api.service)
    ward.end(State.SUCCEEDED)
    with pytest.raises(Undelivered) as raised:
        ward.publish()
    assert raised.value.outcome.verdict is Verdict.TRANSIENT
    ward.remove()
    assert ward.stored() == []
    ward.publish()
    assert ward.stored() == WRITTEN
    assert ward.report()["status"] == "preliminary"
    ward.remove()
    assert ward.stored() == WRITTEN


def test_a_result_that_is_withdrawn_while_it_is_stored_is_removed(ward: Ward) -> None:
    class Overtaken(Stowing):
        def store(self, files: Sequence[tuple[str, bytes]]) -> None:
            ward.end(State.SUPERSEDED)
            withdraw(ward.fhir.api.service)
            ward.remove()
            super().store(files)

    whole = ward.stowing()
    ward.publish(Overtaken(orthanc_url=whole.orthanc_url, token=whole.token, clock=whole.clock))
    assert ward.row().published_at is None
    assert ward.stored() == WRITTEN
    ward.remove()
    assert ward.stored() == []


def test_what_a_radiologist_judged_stays(ward: Ward) -> None:
    ward.publish()
    body = {"verdict": "accepted"}
    url = f"/api/v1/results/{ward.job().job_key}/verdict"
    answer = ward.fhir.api.client.post(url, json=body, headers=ward.fhir.header(Role.RADIOLOGIST))
    assert answer.status_code == 200, answer.text
    ward.end(State.SUPERSEDED)
    withdraw(ward.fhir.api.service)
    ward.remove()
    assert ward.stored() == WRITTEN
    assert ward.report()["status"] == "entered-in-error"


def test_a_series_whose_uids_two_patients_have_gets_nothing(ward: Ward) -> None:
    others = images(ward.name)
    for one in others:
        one.PatientID = "OTHER-PATIENT"
    ward.server.send(*others)
    with pytest.raises(Undelivered) as refused:
        ward.publish()
    assert refused.value.outcome.verdict is Verdict.TRANSIENT  # until somebody has corrected one of the two
    for study in ward.server.get("/studies?expand"):
        if study["MainDicomTags"]["StudyInstanceUID"] == ward.study:
            assert len(study["Series"]) == 1
