"""A modality that asks the worklist."""

from __future__ import annotations

from typing import Any

from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]

from tests.patience import PATIENCE
from tests.running import Platform


def question(**keys: Any) -> Dataset:
    asked, step = Dataset(), Dataset()
    asked.PatientName = asked.PatientID = asked.AccessionNumber = asked.StudyInstanceUID = ""
    asked.IssuerOfPatientID = asked.Allergies = asked.RequestedProcedureDescription = ""
    asked.PatientWeight = None
    step.Modality = step.ScheduledStationAETitle = ""
    step.ScheduledProcedureStepStartDate = step.ScheduledProcedureStepStartTime = ""
    for name, value in keys.items():
        setattr(step if name.startswith("Scheduled") or name == "Modality" else asked, name, value)
    asked.ScheduledProcedureStepSequence = [step]
    return asked


def ask(platform: Platform, asked: Dataset, title: str = "SCANNER") -> tuple[list[Dataset], list[int]]:
    """Return answers and statuses; no statuses where the modality is not let in."""
    entity = AE(ae_title=title)
    entity.dimse_timeout = PATIENCE
    entity.add_requested_context(ModalityWorklistInformationFind)
    settings = platform.settings
    association = entity.associate("127.0.0.1", settings.dicom_port, ae_title=settings.aet)
    answers, statuses = [], []
    if association.is_established:
        for status, answer in association.send_c_find(asked, ModalityWorklistInformationFind):
            if "Status" in status:
                statuses.append(int(status.Status))
            if answer is not None:
                answers.append(answer)
        association.release()
    return answers, statuses
