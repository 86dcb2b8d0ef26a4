"""What a person decides of a mismatch: keep, correct, or undo a correction."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping
from enum import StrEnum

from pydicom import dcmread

from cdss_api.accounts.recording import Action, Actor
from cdss_api.accounts.service_tokens import token
from cdss_api.imaging.archive import Archive, Unavailable
from cdss_api.imaging.correcting import Busy, Correction, correct
from cdss_api.imaging.matching import as_ordered
from cdss_api.imaging.mismatches import State
from cdss_api.imaging.models import Mismatch, Study
from cdss_api.imaging.orders import order_named
from cdss_api.imaging.rewriting import IDENTITY, Unreadable
from cdss_api.problems import Problem
from cdss_api.service import Service
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Permission

log = logging.getLogger(__name__)


class Decision(StrEnum):
    """What is done."""

    KEEP = "keep"
    CORRECT = "correct"
    UNDO = "undo"


# From which states, through which one while Orthanc is asked, to which.
_MOVES: Mapping[Decision, tuple[frozenset[State], State, State]] = {
    Decision.KEEP: (frozenset({State.HELD}), State.KEPT, State.KEPT),
    Decision.CORRECT: (frozenset({State.HELD, State.CORRECTING}), State.CORRECTING, State.CORRECTED),
    Decision.UNDO: (frozenset({State.CORRECTED, State.UNDOING}), State.UNDOING, State.UNDONE),
}


def decide(service: Service, actor: Actor, mismatch_id: str, decision: Decision) -> None:
    """Carry a decision out; one that was interrupted is gone on with by deciding the same again.

    Raises:
        Problem: 404 no such mismatch; 409 it is not to be decided so; 502 or 503 Orthanc does not do its part.
    """
    correction = _begin(service, actor, mismatch_id, decision)
    if correction is None:
        return
    folder = service.settings.data / "corrections" / f"{mismatch_id}-{decision}"
    archive = Archive(service.settings.orthanc_url, lambda: token(service, "imaging", (Permission.ARCHIVE_MANAGE,)))
    try:
        instances = correct(archive, correction, folder, _uid_of, service.now())
    except Busy:
        raise Problem(409, "in_progress", "This is being done already.") from None
    except Unavailable as error:
        log.warning("mismatch %s: Orthanc does not answer (%s)", mismatch_id, error)
        detail = "The archive does not answer; nothing is lost, decide the same again in a moment."
        raise Problem(503, "archive_unavailable", detail) from None
    except Unreadable as odd:
        _move(service, mismatch_id, next(iter(_MOVES[decision][0] - {_MOVES[decision][1]})))
        raise Problem(409, "cannot_rewrite", f"Nothing was changed: {odd}.") from None
    _move(service, mismatch_id, _MOVES[decision][2], instances)


def _begin(service: Service, actor: Actor, mismatch_id: str, decision: Decision) -> Correction | None:
    """Write the decision down, audited; return what Orthanc is to be asked, if anything."""
    before, through, _ = _MOVES[decision]
    with service.work(actor) as work:
        row = work.session.get(Mismatch, mismatch_id, with_for_update=True)
        if row is None:
            raise Problem(404, "no_such_mismatch", "There is no such mismatch.")
        if row.state not in before:
            raise Problem(409, "not_to_be_decided", f"This mismatch is {row.state}: that cannot be done with it.")
        if decision is Decision.CORRECT and row.state == State.HELD:
            order = order_named(work.session, row.order_id)
            if order is None or not order.patient_id:
                raise Problem(409, "no_order", "The order is gone, or its patient has no identifier.")
            row.ordered = as_ordered(order)
        row.state, row.decided, row.decided_by = through, work.now, actor.subject
        whom = Patient(row.patient_id, row.issuer)
        values = _identity(row.ordered, row.sent)
        to = Patient(values["PatientID"], values["IssuerOfPatientID"])
        for patient in dict.fromkeys((whom,) if decision is Decision.KEEP else (whom, to)):
            work.record(
                Action.MISMATCH_DECISION,
                patient=patient,
                decision=decision.value,
                study=row.study_uid,
                order=row.order_id,
            )
        if decision is Decision.KEEP:
            return None
        if decision is Decision.CORRECT:
            return _correction(work.session.get(Study, (row.study_uid, *whom)), row, whom, values, None)
        now = work.session.get(Study, (row.study_uid, *to))
        return _correction(now, row, to, _identity(row.sent, row.sent), row.instances)


def _correction(
    study: Study | None, row: Mismatch, before: Patient, values: dict[str, str], only: list[str] | None
) -> Correction:
    # Begun once already, the study may be gone from where it was; what is left to do lies in the folder.
    sent = {} if study is None or study.sent is None else json.loads(study.sent)
    return Correction(
        orthanc=sent.get("orthanc", row.orthanc),
        study_uid=row.study_uid,
        series=frozenset(one["uid"] for one in sent.get("series", ())),
        before=(before.patient_id, before.issuer),
        values=values,
        only=None if only is None else frozenset(only),
    )


def _identity(chosen: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str]:
    """Return whose the study will be; an order without an accession number leaves the study its own."""
    values = {keyword: chosen[keyword] for keyword in IDENTITY}
    return values | {"AccessionNumber": values["AccessionNumber"] or sent["AccessionNumber"]}


def _move(service: Service, mismatch_id: str, state: State, instances: list[str] | None = None) -> None:
    with service.database.writing() as session:
        row = session.get_one(Mismatch, mismatch_id)
        row.state = state
        row.instances = instances if instances is not None else row.instances


def _uid_of(content: bytes) -> str:
    try:
        return str(dcmread(io.BytesIO(content), force=True, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)
    except Exception as odd:  # whatever a broken file makes the parser raise
        raise Unreadable(f"an object cannot be read ({type(odd).__name__})") from odd
