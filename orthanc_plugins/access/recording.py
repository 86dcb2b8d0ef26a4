"""What the gate decides and what modalities store, told to the audit journal before it is answered."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from neuronova.audit.access import AccessRecorder, Ticket
from neuronova.audit.files import JournalFailed
from neuronova.contract.audit import Action, Event, Outcome
from neuronova.contract.grants import Patient
from orthanc_plugins.access.address import Address
from orthanc_plugins.access.decision import Bearer, Decision, Holding, Reason
from orthanc_plugins.access.identity import Identity

log = logging.getLogger(__name__)

CLIENT_HEADER = "x-neuronova-client"
NOT_TOLD = 0  # the status of an answer that Orthanc gives after its filter was asked


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """Writes to the journal; where `required`, what cannot be recorded does not happen."""

    recorder: AccessRecorder
    clock: Callable[[], float]
    required: bool

    def begin(
        self, address: Address, bearer: Bearer | None, decision: Decision, holdings: tuple[Holding, ...], route: Route
    ) -> Ticket | None:
        """Record a decision, durably for the first of its kind in a minute.

        Raises:
            JournalFailed: it could not be recorded, and has to be.
        """
        return self._begin(event_of(address, bearer, decision, holdings, route, self.clock()))

    def stored(self, identity: Identity, aet: str) -> None:
        """Record that a modality stored an instance; it is stored already, so a failure is but logged."""
        event = Event(
            time=self.clock(),
            action=Action.STORE,
            outcome=Outcome.ALLOWED,
            reason="modality",
            patient_id=identity.patient_id,
            issuer=identity.issuer or "",
            study=identity.study,
            aet=aet,
            route="C-STORE",
        )
        try:
            self.finish(self._begin(event), NOT_TOLD)
        except JournalFailed as error:
            log.error("what %s stored is not recorded: %s", aet, error)

    def differs(self, identity: Identity, aet: str, *, kept: str, sent: str, refused: bool) -> None:
        """Record that a modality sent other content under a SOPInstanceUID that is there; with the MD5 of both files.

        Raises:
            JournalFailed: it could not be recorded, and has to be.
        """
        event = Event(
            time=self.clock(),
            action=Action.STORE,
            outcome=Outcome.DENIED,
            reason="other-content",
            patient_id=identity.patient_id,
            issuer=identity.issuer or "",
            study=identity.study,
            series=identity.series,
            aet=aet,
            route="C-STORE",
            detail=json.dumps({"kept_md5": kept, "sent_md5": sent, "answered": "refused" if refused else "success"}),
        )
        self._begin(event)

    def worklist(self, aet: str, patients: AbstractSet[Patient]) -> None:
        """Record that a modality is about to be told of these patients; only one of its own is named, as in a list.

        Raises:
            JournalFailed: it could not be recorded, and has to be.
        """
        only = next(iter(patients)) if len(patients) == 1 else Patient("", "")
        event = Event(
            time=self.clock(),
            action=Action.WORKLIST,
            outcome=Outcome.ALLOWED,
            reason="modality",
            patient_id=only.patient_id,
            issuer=only.issuer,
            aet=aet,
            route="C-FIND worklist",
        )
        self.finish(self._begin(event), NOT_TOLD)

    def finish(self, ticket: Ticket | None, status: int) -> None:
        """Add how an access was answered."""
        if ticket is not None:
            self.recorder.finish(ticket, status)

    def _begin(self, event: Event) -> Ticket | None:
        try:
            return self.recorder.begin(event)
        except JournalFailed as error:
            if self.required:
                raise
            log.error("an access is not recorded: %s", error)
            return None


class Route(NamedTuple):
    """From where and by which way a request came."""

    method: str
    path: str
    address: str


def event_of(
    address: Address,
    bearer: Bearer | None,
    decision: Decision,
    holdings: tuple[Holding, ...],
    route: Route,
    now: float,
) -> Event:
    """Return the record of a decision; a study of several patients is recorded without one."""
    patient = holdings[0].patient if len(holdings) == 1 else None
    return Event(
        time=now,
        action=address.action,
        outcome=Outcome.ALLOWED if decision.allowed else Outcome.DENIED,
        reason=decision.reason.value,
        subject="" if bearer is None else bearer.claims.subject,
        role="" if bearer is None else bearer.claims.role.value,
        token_id="" if bearer is None else bearer.claims.token_id,
        patient_id="" if patient is None else patient.patient_id,
        issuer="" if patient is None else patient.issuer,
        study=address.study or "",
        series=address.series or "",
        address=route.address,
        route=f"{route.method} {route.path}",
        status=None if decision.allowed else decision.status,
    )


UNRECORDED = Decision(False, Reason.UNRECORDED)
