"""Which order a study was made for, and what speaks against it: pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from neuronova.contract.grants import Patient
from neuronova.contract.studies import StudyChanged


class Named(Protocol):
    """What names an order and a patient: DICOM's values, empty where not known."""

    @property
    def study(self) -> str:
        """StudyInstanceUID."""

    @property
    def accession_number(self) -> str:
        """AccessionNumber."""

    @property
    def patient_id(self) -> str:
        """PatientID."""

    @property
    def issuer(self) -> str:
        """IssuerOfPatientID, or the sender's own."""


class Reason(StrEnum):
    """What does not fit."""

    ACCESSION_OF_ANOTHER = "accession-of-another-patient"
    STUDY_OF_ANOTHER = "study-of-another-patient"
    STUDY_OF_ANOTHER_ACCESSION = "study-of-another-accession"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order as modalities know it; values are DICOM's, `patient` is the id of its Patient."""

    id: str
    patient: str
    patient_id: str
    issuer: str
    patient_name: str
    birth_date: str
    sex: str
    accession_number: str
    study_uid: str
    description: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """The order that a study names, and why it may not be the study's."""

    order: Order
    reason: Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """The orders a study was made for, or the conflict for which it is held; neither where it names no order."""

    orders: tuple[Order, ...] = ()
    conflict: Conflict | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute that differs, by its DICOM keyword."""

    field: str
    ordered: str
    sent: str


def match(sent: Named, subjects: Iterable[str], orders: Iterable[Order]) -> Verdict:
    """Decide; `subjects` are the ids of the Patients that the study was sent as, `orders` all that it may name.

    The StudyInstanceUID is unique (PS3.5 9), so an order that gave it to the study is the one that is meant: if its
    patient or accession number is another, the study is held. An accession number that several orders share is that
    of the patient's own.
    """
    patients = frozenset(subjects)
    known = sorted(orders, key=lambda one: one.id)
    of_uid = [one for one in known if one.study_uid == sent.study]
    of_accession = [one for one in known if sent.accession_number and one.accession_number == sent.accession_number]
    for order in of_uid:
        if not is_of_same_patient(sent, patients, order):
            return Verdict(conflict=Conflict(order, Reason.STUDY_OF_ANOTHER))
        if sent.accession_number and order.accession_number and order not in of_accession:
            return Verdict(conflict=Conflict(order, Reason.STUDY_OF_ANOTHER_ACCESSION))
    fitting = [one for one in of_accession if is_of_same_patient(sent, patients, one)]
    if of_uid or fitting:
        return Verdict(orders=tuple(of_uid) + tuple(one for one in fitting if one not in of_uid))
    if of_accession:
        return Verdict(conflict=Conflict(of_accession[0], Reason.ACCESSION_OF_ANOTHER))
    return Verdict()


def is_of_same_patient(sent: Named, subjects: frozenset[str], order: Order) -> bool:
    """Tell whether a study was sent as the order's patient: by an identifier of that Patient, or as on the worklist."""
    as_listed = order.patient_id != "" and Patient(order.patient_id, order.issuer) == Patient(
        sent.patient_id, sent.issuer
    )
    return order.patient in subjects or as_listed


def as_sent(sent: StudyChanged) -> dict[str, str]:
    """Return what a study says of itself, by keyword."""
    return {
        "PatientID": sent.patient_id,
        "IssuerOfPatientID": sent.issuer,
        "PatientName": sent.patient_name,
        "PatientBirthDate": sent.birth_date,
        "PatientSex": sent.sex,
        "AccessionNumber": sent.accession_number,
        "StudyInstanceUID": sent.study,
        "StudyDescription": sent.description,
    }


def as_ordered(order: Order) -> dict[str, str]:
    """Return what an order says of its study, by keyword."""
    return {
        "PatientID": order.patient_id,
        "IssuerOfPatientID": order.issuer,
        "PatientName": order.patient_name,
        "PatientBirthDate": order.birth_date,
        "PatientSex": order.sex,
        "AccessionNumber": order.accession_number,
        "StudyInstanceUID": order.study_uid,
        "StudyDescription": order.description,
    }


def differences(ordered: dict[str, str], sent: dict[str, str]) -> list[Difference]:
    """Return what differs, in the order of `ordered`."""
    return [
        Difference(field, value, sent.get(field, "")) for field, value in ordered.items() if value != sent.get(field)
    ]
