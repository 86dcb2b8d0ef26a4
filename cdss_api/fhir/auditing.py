"""What is asked of clinical records, told to the audit journal before it is answered."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cdss_api.accounts.recording import Actor
from cdss_api.audit.accesses import Accesses
from cdss_api.fhir.models import Compartment, Identity, Resource
from neuronova.contract.audit import Action, Event, Outcome
from neuronova.contract.grants import Patient


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """One request to the interface."""

    actor: Actor
    action: Action
    route: str
    time: float

    def allowed(self, accesses: Accesses, patient: Patient | None, status: int) -> None:
        """Record that it was carried out, before that is told or committed."""
        ticket = accesses.begin(self._event(Outcome.ALLOWED, patient, ""))
        accesses.finish(ticket, status)

    def denied(self, accesses: Accesses, reason: str) -> None:
        """Record that it was not."""
        accesses.begin(self._event(Outcome.DENIED, None, reason))

    def _event(self, outcome: Outcome, patient: Patient | None, reason: str) -> Event:
        actor = self.actor
        return Event(
            time=self.time,
            action=self.action,
            outcome=outcome,
            reason=reason,
            subject=actor.subject,
            role="" if actor.role is None else actor.role.value,
            token_id=actor.token_id or "",
            patient_id="" if patient is None else patient.patient_id,
            issuer="" if patient is None else patient.issuer,
            address=actor.address or "",
            route=self.route,
        )


def patient_of(session: Session, kind: str, id_: str) -> Patient | None:
    """Return the patient whose record a resource is in, as images name them; None for none and for several."""
    row = session.connection().execute(_NAMED, {"kind": kind, "id": id_}).one_or_none()
    return None if row is None else Patient(row.patient_id, row.issuer)


# `sole` is that a resource is in no other record.
_NAMED = (
    select(Identity.patient_id, Identity.issuer)
    .join(Compartment, Compartment.patient == Identity.patient)
    .join(Resource, Resource.number == Compartment.number)
    .where(Resource.kind == bindparam("kind"), Resource.logical_id == bindparam("id"), Compartment.sole)
    .order_by(Identity.issuer, Identity.patient_id)
    .limit(1)
)
