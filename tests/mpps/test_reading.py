"""What N-CREATE and N-SET say, and what they may not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydicom import Dataset

from cdss_api.mpps.reading import MOST_SCHEDULED, read_change, read_creation
from cdss_api.mpps.steps import (
    NO_LONGER_UPDATED,
    Begun,
    Failure,
    Refused,
    Scheduled,
    StepStatus,
    performed_of,
    require_open,
)
from cdss_api.reading.performing import Performed
from tests.mpps.telling import STUDY, creation, end, reason, scheduled

KST = timezone(timedelta(hours=9))


def test_an_n_create_says_what_who_and_when() -> None:
    assert read_creation(creation(), KST) == Begun(
        step_id="PPS-1",
        station="CT_ONE",
        modality="CT",
        began=datetime(2026, 4, 1, 0, 30, tzinfo=UTC).timestamp(),
        patient_id="P-100",
        issuer="HOSPITAL",
        patient_name="Hong^Gildong=洪^吉洞=홍^길동",
        scheduled=(Scheduled(study=STUDY, accession_number="ACC-1", procedure_id="ACC-1", step_id="ACC-1"),),
        series=0,
    )


def test_an_emergency_names_no_more_than_its_study() -> None:
    item = Dataset()
    item.StudyInstanceUID = STUDY
    begun = read_creation(creation(item, PatientID=None, IssuerOfPatientID=None, PatientName=None))
    assert (begun.patient_id, begun.issuer, begun.patient_name) == ("", None, "")
    assert begun.scheduled == (Scheduled(study=STUDY, accession_number="", procedure_id="", step_id=""),)


@pytest.mark.parametrize(
    "keyword",
    [
        "PerformedProcedureStepStatus",
        "PerformedProcedureStepID",
        "PerformedStationAETitle",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
        "Modality",
        "ScheduledStepAttributesSequence",
    ],
)
def test_what_is_mandatory_is_there_and_not_empty(keyword: str) -> None:
    missing, empty = creation(), creation()
    del missing[keyword]
    empty[keyword].value = [] if keyword.endswith("Sequence") else ""
    assert [status_of(one) for one in (missing, empty)] == [Failure.MISSING_ATTRIBUTE, Failure.MISSING_VALUE]


def test_a_scheduled_step_names_its_study() -> None:
    item = scheduled()
    del item.StudyInstanceUID
    assert status_of(creation(item)) == Failure.MISSING_ATTRIBUTE


@pytest.mark.parametrize(
    "odd",
    [
        {"PerformedProcedureStepStatus": "COMPLETED"},
        {"PerformedProcedureStepStatus": "DONE"},
        {"PerformedProcedureStepStartDate": "20260231"},
        {"PerformedProcedureStepStartTime": "2500"},
        {"PerformedStationAETitle": "SEVENTEEN_LETTERS"},
        {"PatientID": "x" * 65},
    ],
    ids=str,
)
def test_what_is_odd_is_refused(odd: dict[str, Any]) -> None:
    assert status_of(creation(**odd)) == Failure.INVALID_VALUE


@pytest.mark.parametrize("odd", [{"study": "1.02.3"}, {"accession": "A" * 17}, {"step": "1\\2"}], ids=str)
def test_what_is_odd_of_a_scheduled_step_is_refused(odd: dict[str, str]) -> None:
    assert status_of(creation(scheduled(**odd))) == Failure.INVALID_VALUE


def test_scheduled_steps_have_a_limit() -> None:
    assert len(read_creation(creation(*[scheduled()] * MOST_SCHEDULED)).scheduled) == MOST_SCHEDULED
    assert status_of(creation(*[scheduled()] * (MOST_SCHEDULED + 1))) == Failure.INVALID_VALUE


def test_an_n_set_ends_a_step() -> None:
    told = read_change(end(), KST)
    assert (told.status, told.reason, told.series) == (StepStatus.COMPLETED, None, 2)
    assert told.ended == datetime(2026, 4, 1, 0, 45, 0, 500_000, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"PerformedProcedureStepDiscontinuationReasonCodeSequence": reason("Patient refused")}, "Patient refused"),
        ({"PerformedProcedureStepDiscontinuationReasonCodeSequence": reason("")}, "110513"),
        ({"CommentsOnThePerformedProcedureStep": "조영제 알레르기"}, "조영제 알레르기"),
        ({}, ""),
    ],
)
def test_a_discontinued_step_says_why(said: dict[str, Any], why: str) -> None:
    assert read_change(end("DISCONTINUED", **said)).reason == why


def test_an_n_set_in_between_changes_what_it_says() -> None:
    told = read_change(end("IN PROGRESS", PerformedProcedureStepEndDate=None, PerformedProcedureStepEndTime=None))
    assert (told.status, told.ended, told.series) == (StepStatus.IN_PROGRESS, None, 2)
    told = read_change(Dataset())
    assert (told.status, told.ended, told.reason, told.series) == (None, None, None, None)


@pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED"])
def test_an_end_has_a_time(status: str) -> None:
    with pytest.raises(Refused) as refused:
        read_change(end(status, PerformedProcedureStepEndTime=None))
    assert refused.value.status == Failure.MISSING_ATTRIBUTE


@pytest.mark.parametrize("status", [StepStatus.COMPLETED, StepStatus.DISCONTINUED])
def test_what_has_ended_is_not_changed(status: StepStatus) -> None:
    require_open(StepStatus.IN_PROGRESS)
    with pytest.raises(Refused) as refused:
        require_open(status)
    assert (refused.value.status, refused.value.error_id) == (0x0110, NO_LONGER_UPDATED)
    assert len(str(refused.value)) <= 64  # VR LO


@pytest.mark.parametrize(
    ("steps", "performed"),
    [
        ([(StepStatus.IN_PROGRESS, "")], (Performed.STARTED, "")),
        ([(StepStatus.COMPLETED, "")], (Performed.DONE, "")),
        ([(StepStatus.DISCONTINUED, "refused")], (Performed.NOT_DONE, "refused")),
        ([(StepStatus.DISCONTINUED, "first"), (StepStatus.DISCONTINUED, "last")], (Performed.NOT_DONE, "last")),
        ([(StepStatus.COMPLETED, ""), (StepStatus.DISCONTINUED, "no more")], (Performed.DONE, "")),
        ([(StepStatus.IN_PROGRESS, ""), (StepStatus.COMPLETED, "")], (Performed.STARTED, "")),
    ],
)
def test_what_all_steps_of_an_order_say(steps: list[tuple[StepStatus, str]], performed: tuple[Performed, str]) -> None:
    assert performed_of(steps) == performed


def status_of(data: Dataset) -> Failure:
    with pytest.raises(Refused) as refused:
        read_creation(data)
    assert len(str(refused.value)) <= 64
    return refused.value.status
