"""Steps that came before their order was known: matched as the order, or the identifier of its patient, is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.models import Identity
from cdss_api.fhir.replaced import replaced_by
from cdss_api.fhir.store import Store, Stored
from cdss_api.mpps.models import PerformedOrder, PerformedStep
from cdss_api.mpps.orders import alone_with_steps, catch_up, link
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role

SERVICE = "service:mpps"
MOST = 100  # steps of one patient that still miss an order, the newest first


def follow(work: Work, store: Store, written: Sequence[Stored]) -> None:
    """Match the steps of the patients whose orders or identifiers were written, and have those orders say so."""
    whose = {id_ for one in written if one.body is not None for id_ in _patients(one)}
    if not whose:
        return
    everything = Compartments(account=SERVICE, role=Role.ADMIN, now=work.now, recent=0.0)
    # Whoever wrote the order need not be one who may say that it was carried out: the modality said it.
    own = Store(store.session, everything, SERVICE, store.now)
    for whom in _identities(work.session, whose):
        alone_with_steps(own, whom)
        for step in _incomplete(work.session, whom):
            for order in link(work.session, step):
                catch_up(own, order)
                study = str(step.scheduled[0]["study"])
                work.record(Action.STEP_MATCH, patient=whom, study=study, step=step.uid, order=order)
    store.written += own.written


def _patients(written: Stored) -> Iterable[str]:
    if written.kind == "Patient":
        yield written.id
    elif written.kind == "ServiceRequest":
        kind, _, id_ = str(written.document().get("subject", {}).get("reference", "")).partition("/")
        if kind == "Patient" and id_:
            yield id_


def _identities(session: Session, patients: Iterable[str]) -> list[Patient]:
    """Return by what names modalities know these Patients, and those that they have replaced; in one order always."""
    names = (Identity.patient_id, Identity.issuer)
    rows = select(*names).where(Identity.patient.in_(replaced_by(session, patients))).distinct().order_by(*names)
    return [Patient(patient_id, issuer) for patient_id, issuer in session.execute(rows)]


def _incomplete(session: Session, whom: Patient) -> list[PerformedStep]:
    """Return the steps of a patient that have fewer orders than they were scheduled by."""
    orders = (
        select(func.count())
        .select_from(PerformedOrder)
        .where(PerformedOrder.uid == PerformedStep.uid)
        .correlate(PerformedStep)
        .scalar_subquery()
    )
    of_whom = (PerformedStep.patient_id == whom.patient_id, PerformedStep.issuer == whom.issuer)
    rows = session.execute(select(PerformedStep, orders).where(*of_whom).order_by(PerformedStep.began.desc()))
    return [step for step, known in rows if known < len(step.scheduled)][:MOST]
