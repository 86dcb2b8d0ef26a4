"""ImagingStudies kept as Orthanc's studies and the orders are; all in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Version as AccountsVersion
from cdss_api.accounts.work import Work
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.document import Document
from cdss_api.fhir.keeping import keep
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.store import Store, Stored, new_id
from cdss_api.imaging import mapping, mismatches
from cdss_api.imaging.matching import Verdict, match
from cdss_api.imaging.models import Study
from cdss_api.imaging.orders import named_orders, plan, subjects_of
from cdss_api.retention.departures import note_unruled
from cdss_api.worklist.mapping import study_uid, typed_identifier
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role
from neuronova.contract.studies import Event, StudyChanged, event_from_json, event_to_json

SERVICE = "service:imaging"


def take_in(store: Store, event: Event) -> None:
    """Take in one event; one that was taken in before, or that is older than what is known, changes nothing."""
    session = store.session
    # Two studies of one new patient at once would make two Patients.
    session.execute(select(AccountsVersion.version).with_for_update())
    row = session.get(Study, tuple(event.key))
    if row is not None and row.writer == event.writer and row.sequence >= event.sequence:
        return
    if isinstance(event, StudyChanged):
        if row is None:
            row = _new_row(event)
            session.add(row)
        if row.sent is None:
            row.arrived = store.now / 1_000_000
        row.dated = mapping.end_of_day(event.date)
        row.writer, row.sequence, row.accession = event.writer, event.sequence, event.accession_number
        row.sent = json.dumps(event_to_json(event), ensure_ascii=False)
        session.flush()
        _keep(store, row, event)
    elif row is not None:
        if row.sent is not None:
            note_unruled(session, event.key, row.sent, store.now / 1_000_000)
        row.writer, row.sequence, row.sent = event.writer, event.sequence, None
        store.delete("ImagingStudy", row.logical_id)
        mismatches.end(session, event.key)


def ensure_endpoint(store: Store, address: str) -> None:
    """Have the one Endpoint name the public DICOMweb address."""
    keep(store, _named("Endpoint", mapping.ENDPOINT_ID, mapping.endpoint(address)), frozenset())


def follow(work: Work, store: Store, written: Sequence[Stored]) -> None:
    """Match anew what the orders that were written concern, whether they came before their study or after it."""
    orders = [one for one in written if one.kind == "ServiceRequest"]
    if not orders:
        return
    keys: set[tuple[str, str, str]] = set()
    for one in orders:
        for document in _versions(store, one):
            plan(work.session, document)
            keys |= _concerned(work.session, document)
        keys |= mismatches.studies_held_for(work.session, one.id)
    if not keys:
        return
    # Whoever wrote the order need not see the study's patient: what follows is the platform's to write.
    everything = Compartments(account=SERVICE, role=Role.ADMIN, now=work.now, recent=0.0)
    own = Store(store.session, everything, SERVICE, store.now)
    for key in sorted(keys):
        row = work.session.get(Study, key)
        if row is not None and row.sent is not None:
            sent = event_from_json(json.loads(row.sent))
            if isinstance(sent, StudyChanged):
                _keep(own, row, sent)
    store.written += own.written


def _new_row(event: StudyChanged) -> Study:
    study, patient_id, issuer = event.key
    return Study(study_uid=study, patient_id=patient_id, issuer=issuer, logical_id=new_id())


def _keep(store: Store, row: Study, sent: StudyChanged) -> None:
    """Bring a study's ImagingStudy, and whether it is held, to what is known now."""
    subjects = subjects_of(store.session, Patient(sent.patient_id, sent.issuer)) if sent.patient_id else []
    orders = named_orders(store.session, sent)
    verdict = match(sent, subjects, orders)
    verdict = mismatches.settle(store.session, sent, verdict, store.now / 1_000_000)
    subject = _subject(store, sent, subjects, verdict)
    made = mapping.imaging_study(sent, subject, [order.id for order in verdict.orders])
    keep(store, _named("ImagingStudy", row.logical_id, made), mapping.OURS)


def _subject(store: Store, sent: StudyChanged, subjects: Sequence[str], verdict: Verdict) -> dict[str, Any]:
    """Return whose record the study is in: its order's patient where it was sent as them, else as it was sent.

    A PatientID that several Patients have names none of them for sure, and one that nobody has is a new Patient.
    """
    ordered = sorted({order.patient for order in verdict.orders})
    if len(ordered) == 1:
        return {"reference": f"Patient/{ordered[0]}"}
    if len(subjects) == 1:
        return {"reference": f"Patient/{subjects[0]}"}
    if not sent.patient_id:
        return {"display": "No PatientID"}
    if subjects:
        return {"identifier": mapping.identifier_of(Patient(sent.patient_id, sent.issuer))}
    return {"reference": store.create("Patient", mapping.patient(sent)).address}


def _named(kind: str, id_: str, made: Document) -> Document:
    return {"resourceType": kind, "id": id_} | made


def _versions(store: Store, written: Stored) -> Iterable[Document]:
    """Yield what an order says, and what it said before."""
    if written.body is not None:
        yield written.document()
    if written.version > 1:
        try:
            yield store.vread(written.kind, written.id, str(written.version - 1)).document()
        except Refused:
            return


def _concerned(session: Session, order: Document) -> set[tuple[str, str, str]]:
    """Return the studies that name an order."""
    accession = str(typed_identifier(order, "ACSN")).strip()
    named = Study.study_uid == study_uid(order)
    if accession:
        named = or_(named, Study.accession == accession)
    rows = session.execute(select(Study.study_uid, Study.patient_id, Study.issuer).where(named))
    return {(study, patient_id, issuer) for study, patient_id, issuer in rows}
