"""A merge: two Patients become one, in one transaction with all that follows, and their studies after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Version as AccountsVersion
from cdss_api.accounts.recording import Action, Actor, write
from cdss_api.consequences import writing
from cdss_api.fhir.document import Document
from cdss_api.fhir.models import Identity
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.replaced import REPLACED_BY, linked
from cdss_api.fhir.store import Store, new_id
from cdss_api.fhir.validation import check
from cdss_api.imaging.correcting import Move
from cdss_api.imaging.corrections import begin
from cdss_api.merging import records, studies
from cdss_api.merging.models import Merge
from cdss_api.merging.parameters import Asked, Side
from cdss_api.merging.patients import replaced, replacing
from cdss_api.service import Service
from cdss_api.worklist.texts import TooLong
from neuronova.contract.grants import Patient
from neuronova.contract.issuer import issuer_of
from neuronova.web.problems import Problem

PART = "merge"


class State(StrEnum):
    """How a merge stands."""

    MERGING = "merging"  # the record is the target's; the studies are on their way
    MERGED = "merged"  # waits to be confirmed or undone
    FAILED = "failed"  # the studies could not be rewritten, or put back: nothing of them was changed then
    CONFIRMED = "confirmed"
    UNDOING = "undoing"
    UNDONE = "undone"


OPEN = (State.MERGING, State.MERGED, State.FAILED, State.UNDOING)


class Purpose(StrEnum):
    """What a correction does for a merge."""

    MERGE = "merge"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Planned:
    """What a merge does, or would do: how many resources by type, studies and objects; `id` where it is begun."""

    counts: Mapping[str, int]
    studies: int
    objects: int
    result: Document
    id: str | None = None


def merge(service: Service, actor: Actor, asked: Asked) -> Planned:
    """Merge, or tell what that would do.

    Raises:
        Refused: 404 or 422 there is no such Patient, or none that can be merged; 409 another merge or correction of
            one of them is not at its end.
    """
    if asked.preview:
        with service.database.reading() as session:
            return _Merging(session, asked).planned()
    with writing(service, actor) as store:
        # One at a time, and none while the archive tells of a study: both look up whose a study is.
        store.session.execute(select(AccountsVersion.version).with_for_update())
        merging = _Merging(store.session, asked)
        id_ = merging.carry_out(store, actor.subject, service.now())
        for patient in sorted(merging.concerned):
            detail = {"merge": id_, "source": merging.source["id"], "target": merging.target["id"]}
            write(service.record, actor, Action.MERGE, patient=patient, detail=detail)
        return merging.planned(id_)


def begun(session: Session, merge_id: str, purpose: Purpose, moves: Sequence[Move], now: float) -> str:
    """Begin the correction of a merge's studies; return its id.

    Raises:
        Problem: 409 where another correction of one of these patients is not at its end.
    """
    keeps = purpose is Purpose.MERGE
    return begin(session, part=PART, part_id=merge_id, decision=purpose.value, moves=moves, keeps=keeps, now=now)


class _Merging:
    """Everything that a merge is about, checked."""

    def __init__(self, session: Session, asked: Asked) -> None:
        self._session = session
        self.source, self.target = _found(session, asked.source), _found(session, asked.target)
        _require_mergeable(session, self.source, self.target)
        self.result = _result(self.source, self.target, asked.result)
        self._record = records.record_of(session, self.source["id"])
        self._studies = studies.studies_of(session, self.source)
        self._moves = self._moved()

    @property
    def concerned(self) -> set[Patient]:
        """Return both as images name them."""
        whose = Identity.patient.in_((self.source["id"], self.target["id"]))
        rows = self._session.execute(select(Identity.patient_id, Identity.issuer).where(whose))
        return {Patient(patient_id, issuer) for patient_id, issuer in rows}

    def planned(self, id_: str | None = None) -> Planned:
        """Return what it does."""
        counts = records.counts(self._record)
        return Planned(counts, len(self._moves), studies.objects(self._studies), self.result, id_)

    def carry_out(self, store: Store, by: str, now: float) -> str:
        """Write all that a merge writes; return its id."""
        source, target, id_ = self.source["id"], self.target["id"], new_id()
        written: list[records.Written] = []
        for before, after in ((self.source, replaced(self.source, target)), (self.target, self.result)):
            stored, _ = store.update("Patient", before["id"], after)
            written.append(("Patient", stored.id, stored.version))
        studies.follow(self._session, self._moves)
        written += records.give(store, self._record, source, target)
        correction = None
        if self._moves:
            try:
                correction = begun(self._session, id_, Purpose.MERGE, self._moves, now)
            except Problem as busy:
                raise Refused(409, "conflict", str(busy.description)) from None
        self._session.add(
            Merge(
                merge_id=id_,
                source=source,
                target=target,
                state=State.MERGING if correction else State.MERGED,
                written=[list(one) for one in written],
                studies=[move.to_json() for move in self._moves],
                correction_id=correction,
                made=now,
                made_by=by,
                decided=None,
                decided_by=None,
            )
        )
        return id_

    def _moved(self) -> list[Move]:
        if not self._studies:
            return []
        try:
            values = studies.identity(self.result)
        except TooLong as odd:
            raise Refused(422, "business-rule", f"The target cannot have studies: {odd}.") from None
        if values is None:
            raise Refused(422, "business-rule", "The target has no identifier in use, so it cannot have studies.")
        return studies.moves_to(self._studies, values)


def _found(session: Session, side: Side) -> Document:
    ids = {side.id} if side.id else None
    for one in side.identifiers:
        whose = select(Identity.patient).where(Identity.patient_id == one.value)
        having = set(session.scalars(whose.where(Identity.issuer == issuer_of(one.system))))
        ids = having if ids is None else ids & having
    if len(ids or ()) > 1:
        raise Refused(422, "multiple-matches", f"{side.name}-identifier: more than one Patient has these.")
    found = records.patient(session, next(iter(ids or {""})))
    if found is None:
        raise Refused(422, "not-found", f"{side.name}: there is no such Patient.")
    return found


def _require_mergeable(session: Session, source: Document, target: Document) -> None:
    if source["id"] == target["id"]:
        raise Refused(422, "business-rule", "source-patient and target-patient are the same.")
    if linked(target, REPLACED_BY):
        raise Refused(422, "business-rule", "target-patient was itself replaced by another.")
    others = set(linked(source, REPLACED_BY)) - {target["id"]}
    if others:
        raise Refused(422, "business-rule", "source-patient was merged into another Patient already.")
    both = (source["id"], target["id"])
    open_ = select(Merge.merge_id).where(or_(Merge.source.in_(both), Merge.target.in_(both)), Merge.state.in_(OPEN))
    if session.scalar(open_.limit(1)) is not None:
        told = "A merge of one of them waits to be confirmed or undone."
        raise Refused(409, "conflict", told)


def _result(source: Document, target: Document, wanted: Document | None) -> Document:
    if wanted is None:
        return replacing(target, source)
    if wanted.get("id") != target["id"]:
        raise Refused(422, "business-rule", "result-patient has the id of target-patient.")
    check(wanted)
    lost = [one for one in target.get("identifier", ()) if one.get("value") not in _values(wanted)]
    if lost:
        raise Refused(422, "business-rule", "result-patient lacks an identifier of target-patient.")
    return replacing(wanted, source)


def _values(patient: Document) -> set[str]:
    return {str(one.get("value")) for one in patient.get("identifier", ())}
