"""The orders that a study may name, read from the store: by accession number and by StudyInstanceUID."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sqlalchemy import and_, insert, not_, select
from sqlalchemy.orm import Session

from cdss_api.fhir.document import Document, read
from cdss_api.fhir.models import Identity, Resource, TokenValue, Version
from cdss_api.fhir.replaced import living
from cdss_api.imaging.matching import Named, Order
from cdss_api.imaging.models import Planned
from cdss_api.worklist.mapping import SEXES, birth_date, patient_identity, study_uid, typed_identifier
from cdss_api.worklist.names import person_name
from cdss_api.worklist.texts import LONG, SHORT, TooLong, identifier, plain
from neuronova.contract.grants import Patient

log = logging.getLogger(__name__)

_NOT_MEANT = ("entered-in-error", "draft")
_MOST = 100  # orders that share an accession number


def subjects_of(session: Session, whom: Patient) -> list[str]:
    """Return the ids of the Patients that have an identifier, or that have replaced one that has."""
    rows = select(Identity.patient).where(Identity.patient_id == whom.patient_id, Identity.issuer == whom.issuer)
    return living(session, session.scalars(rows))


def named_orders(session: Session, sent: Named) -> list[Order]:
    """Return the orders whose accession number or StudyInstanceUID a study, or a step, has."""
    token = and_(TokenValue.kind == "ServiceRequest", TokenValue.code == "identifier")
    values = [f"urn:oid:{sent.study}", sent.study, *([sent.accession_number] if sent.accession_number else ())]
    numbers = set(session.scalars(select(TokenValue.number).where(token, TokenValue.value.in_(values)).limit(_MOST)))
    # By itself: in one condition with the other PostgreSQL looks at all orders that ever were.
    planned = select(Planned.order_id).where(Planned.study_uid == sent.study)
    here = (Resource.kind == "ServiceRequest", Resource.logical_id.in_(planned))
    numbers |= set(session.scalars(select(Resource.number).where(*here)))
    meant = Resource.number.in_(numbers)
    found = (order_of(session, document) for document in _documents(session, "ServiceRequest", meant))
    return [
        order
        for order in found
        if order is not None
        and (order.study_uid == sent.study or order.accession_number == sent.accession_number != "")
    ]


def order_named(session: Session, id_: str) -> Order | None:
    """Return one order as it now is, None where there is no such order (any more)."""
    documents = _documents(session, "ServiceRequest", Resource.logical_id == id_)
    return order_of(session, documents[0]) if documents else None


def order_of(session: Session, document: Document) -> Order | None:
    """Return an order as modalities know it; None where it is no order, or of no Patient that is kept."""
    kind, _, patient_id = str(document.get("subject", {}).get("reference", "")).partition("/")
    if document.get("status") in _NOT_MEANT or kind != "Patient":
        return None
    patients = _documents(session, "Patient", Resource.logical_id == patient_id)
    if not patients:
        return None
    patient = patients[0]
    try:
        whom = patient_identity(patient) or ("", "")
        accession = identifier(typed_identifier(document, "ACSN"), SHORT)
    except TooLong as odd:
        log.warning("ServiceRequest/%s is not matched: %s", document["id"], odd)
        return None
    return Order(
        id=document["id"],
        patient=patient_id,
        patient_id=whom[0],
        issuer=whom[1],
        patient_name=person_name(patient.get("name", ())),
        birth_date=birth_date(patient),
        sex=SEXES.get(patient.get("gender", ""), ""),
        accession_number=accession,
        study_uid=study_uid(document),
        description=plain(document.get("code", {}).get("text"), LONG),
    )


def plan(session: Session, order: Document) -> None:
    """Keep the StudyInstanceUID that an order gives by itself, so that the order is found by it."""
    uid = study_uid({"id": order["id"]})
    if session.get(Planned, uid) is None:
        session.execute(insert(Planned), {"study_uid": uid, "order_id": order["id"]})


def _documents(session: Session, kind: str, *conditions: object) -> list[Document]:
    same = and_(Version.number == Resource.number, Version.version == Resource.version)
    rows = select(Version.body).join(Resource, same).where(Resource.kind == kind, not_(Resource.deleted), *conditions)  # type: ignore[arg-type]
    return [read(body) for body in _bodies(session.scalars(rows))]


def _bodies(bodies: Iterable[str | None]) -> list[str]:
    return [body for body in bodies if body is not None]
