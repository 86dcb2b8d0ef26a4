"""What a modality tells of a step, and the modality that tells it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import ModalityPerformedProcedureStep, Verification  # type: ignore[attr-defined]

from neuronova.contract.settings import Settings
from tests.patience import PATIENCE

STATION = "CT_ONE"
STUDY = "1.2.826.0.1.3680043.10.1"


def scheduled(study: str = STUDY, accession: str = "ACC-1", step: str = "ACC-1") -> Dataset:
    item = Dataset()
    item.StudyInstanceUID = study
    item.AccessionNumber = accession
    item.RequestedProcedureID = item.ScheduledProcedureStepID = step
    return item


def creation(*items: Dataset, **more: Any) -> Dataset:
    """Return the attribute list of an N-CREATE; a value of None leaves its attribute out."""
    known = {
        "SpecificCharacterSet": "ISO_IR 192",
        "ScheduledStepAttributesSequence": list(items or (scheduled(),)),
        "PatientID": "P-100",
        "IssuerOfPatientID": "HOSPITAL",
        "PatientName": "Hong^Gildong=洪^吉洞=홍^길동",
        "PerformedProcedureStepID": "PPS-1",
        "PerformedStationAETitle": STATION,
        "PerformedProcedureStepStartDate": "20260401",
        "PerformedProcedureStepStartTime": "093000",
        "PerformedProcedureStepStatus": "IN PROGRESS",
        "Modality": "CT",
        "PerformedSeriesSequence": [],
    }
    return _dataset(known | more)


def end(status: str = "COMPLETED", **more: Any) -> Dataset:
    """Return the modification list of an N-SET that ends a step."""
    known = {
        "PerformedProcedureStepStatus": status,
        "PerformedProcedureStepEndDate": "20260401",
        "PerformedProcedureStepEndTime": "094500.5",
        "PerformedSeriesSequence": [_dataset({"SeriesInstanceUID": f"{STUDY}.{number}"}) for number in (1, 2)],
    }
    return _dataset(known | more)


def reason(meaning: str, code: str = "110513") -> list[Dataset]:
    return [_dataset({"CodeValue": code, "CodingSchemeDesignator": "DCM", "CodeMeaning": meaning})]


def _dataset(values: dict[str, Any]) -> Dataset:
    made = Dataset()
    for name, value in values.items():
        if value is not None:
            setattr(made, name, value)
    return made


@contextmanager
def associated(
    settings: Settings, title: str = STATION, tls: tuple[ssl.SSLContext, str] | None = None
) -> Iterator[Association]:
    entity = AE(ae_title=title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = PATIENCE
    for context in (ModalityPerformedProcedureStep, Verification):
        entity.add_requested_context(context)
    association = entity.associate("127.0.0.1", settings.mpps_port, ae_title=settings.aet, tls_args=tls)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()
        elif association.dul.socket is not None:
            association.dul.socket.close()


def create(association: Association, uid: str, data: Dataset) -> Dataset:
    """Return the status of an N-CREATE."""
    return association.send_n_create(data, ModalityPerformedProcedureStep, uid)[0]


def change(association: Association, uid: str, data: Dataset) -> Dataset:
    """Return the status of an N-SET."""
    return association.send_n_set(data, ModalityPerformedProcedureStep, uid)[0]
