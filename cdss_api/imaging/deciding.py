"""What a person decides of a mismatch: keep, correct, or undo a correction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy.orm import Session

from cdss_api.accounts.recording import Action, Actor
from cdss_api.imaging.correcting import Move
from cdss_api.imaging.corrections import Progress, begin
from cdss_api.imaging.matching import as_ordered
from cdss_api.imaging.mismatches import State
from cdss_api.imaging.models import Correction, Mismatch, Study
from cdss_api.imaging.orders import order_named
from cdss_api.imaging.rewriting import IDENTITY
from cdss_api.service import Service
from neuronova.contract.grants import Patient
from neuronova.web.problems import Problem

PART = "mismatch"


class Decision(StrEnum):
    """What is done."""

    KEEP = "keep"
    CORRECT = "correct"
    UNDO = "undo"


# From which states, through which one while the worker is at it, to which.
MOVES: Mapping[Decision, tuple[frozenset[State], State, State]] = {
    Decision.KEEP: (frozenset({State.HELD}), State.KEPT, State.KEPT),
    Decision.CORRECT: (frozenset({State.HELD}), State.CORRECTING, State.CORRECTED),
    Decision.UNDO: (frozenset({State.CORRECTED}), State.UNDOING, State.UNDONE),
}


def decide(service: Service, actor: Actor, mismatch_id: str, decision: Decision) -> str | None:
    """Write a decision down; return the correction that the worker carries out for it, if any.

    Raises:
        Problem: 404 no such mismatch; 409 it is not to be decided so, or its patients are being corrected.
    """
    before, through, _ = MOVES[decision]
    with service.work(actor) as work:
        row = work.session.get(Mismatch, mismatch_id, with_for_update=True)
        if row is None:
            raise Problem(404, "no_such_mismatch", "There is no such mismatch.")
        if row.state not in before:
            raise Problem(409, "not_to_be_decided", f"This mismatch is {row.state}: that cannot be done with it.")
        if decision is Decision.CORRECT:
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
            move = _move(work.session.get(Study, (row.study_uid, *whom)), row, whom, values, None)
        else:
            now = work.session.get(Study, (row.study_uid, *to))
            move = _move(now, row, to, _identity(row.sent, row.sent), row.instances)
        of = {"part": PART, "part_id": mismatch_id, "decision": decision.value}
        return begin(work.session, **of, moves=[move], keeps=False, now=work.now)


def ended(session: Session, correction: Correction, instances: list[str]) -> None:
    """Write down what became of a mismatch when its correction has ended."""
    before, _, after = MOVES[Decision(correction.decision)]
    row = session.get_one(Mismatch, correction.part_id, with_for_update=True)
    if correction.state == Progress.DONE:
        row.state, row.instances = after, instances
    else:
        row.state = next(iter(before))


def _move(study: Study | None, row: Mismatch, before: Patient, values: dict[str, str], only: list[str] | None) -> Move:
    sent = {} if study is None or study.sent is None else json.loads(study.sent)
    return Move(
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
