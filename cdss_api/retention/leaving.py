"""A study leaves by a rule: written down and recorded before, deleted, and said to be gone after.

Each step can be killed after and done again: what is `leaving` is looked at first by the next run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from cdss_api.accounts.recording import Action, Actor
from cdss_api.holds.holding import is_held
from cdss_api.imaging.archive import Archive, Held
from cdss_api.orthanc import StoredFile
from cdss_api.retention.asking import Asking
from cdss_api.retention.models import LEGAL_HOLD, Departure, DueStudy, State
from cdss_api.service import Service
from neuronova.contract.grants import Patient
from neuronova.contract.retention.rules import DAY, RetentionRule, Then
from neuronova.contract.roles import Role
from neuronova.contract.studies import StudyKey

SERVICE = "service:retention"
ACTOR = Actor(subject=SERVICE, role=Role.SERVICE)
PATIENCE = 60.0  # seconds that a storage commitment may take


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaving:
    """Takes studies out of the archive; `asking` and `archive` make clients of Orthanc."""

    service: Service
    asking: Callable[[], Asking]
    archive: Callable[[], Archive]
    patience: float = PATIENCE

    def leave(self, row: DueStudy, rule: RetentionRule) -> str | None:
        """Let a study leave whose days are over; return why it stays, None where it has left or may not yet.

        Raises:
            Unavailable: Orthanc does not answer; the next run goes on.
        """
        now = self.service.now()
        due = row.leaves_at
        if rule.then is not Then.DELETE or due is None or due > now or self._left_today(rule, now) >= rule.a_day:
            return None
        asking = self.asking()
        try:
            files = asking.files(row.orthanc)
            for title in rule.copied_to:
                why = asking.commitment(row.orthanc, title, self.patience)
                if why is not None:
                    return why
            # What the others keep is what there was when they were asked.
            if not files or files != asking.files(row.orthanc):
                return "it changed while it was about to leave"
        finally:
            asking.close()
        number = self._written_down(row, rule, files)
        return LEGAL_HOLD if number is None else self.delete(number)

    def delete(self, number: int) -> str | None:
        """Delete what is written down; return why it stays, None where it is gone.

        Raises:
            Unavailable: Orthanc does not answer; it stays written down.
        """
        with self.service.database.reading() as session:
            row = session.get_one(Departure, number)
            held = is_held(session, key_of(row))
            orthanc, known = row.orthanc, json.loads(row.digests)
        why = LEGAL_HOLD if held else self._delete(orthanc, known)
        self._end(number, why)
        return why

    def finish(self, rules: Collection[str]) -> None:
        """Go on with what was begun by these rules; what another one began stays.

        Raises:
            Unavailable: Orthanc does not answer.
        """
        with self.service.database.reading() as session:
            leaving = select(Departure.number, Departure.rule).where(Departure.state == State.LEAVING)
            begun = list(session.execute(leaving))
        for number, rule in begun:
            if rule in rules:
                self.delete(number)
            else:
                self._end(number, "there is no such rule any more")

    def _end(self, number: int, why: str | None) -> None:
        with self.service.database.writing() as session:
            row = session.get_one(Departure, number, with_for_update=True)
            row.state = State.LEFT if why is None else State.STAYED
            row.ended_at = self.service.now()
            due = session.get(DueStudy, tuple(key_of(row)))
            if why is None and due is not None:
                session.delete(due)

    def _delete(self, orthanc: str, known: list[list[str]]) -> str | None:
        asking = self.asking()
        try:
            stored = [[one.uid, one.md5] for one in asking.files(orthanc)]
        finally:
            asking.close()
        if any(one not in known for one in stored):
            return "it changed while it was about to leave"
        try:
            self.archive().delete_study(orthanc)
        except Held:
            return LEGAL_HOLD
        return None

    def _left_today(self, rule: RetentionRule, now: float) -> int:
        since = now - DAY
        gone = select(func.count()).where(
            Departure.rule == rule.name, Departure.began_at > since, Departure.state != State.STAYED
        )
        with self.service.database.reading() as session:
            return session.scalar(gone) or 0

    def _written_down(self, row: DueStudy, rule: RetentionRule, files: list[StoredFile]) -> int | None:
        """Write down and record what leaves, unless it is held by now."""
        with self.service.work(ACTOR) as work:
            work.alone()  # and no hold is placed meanwhile
            begun = select(Departure.number).where(Departure.orthanc == row.orthanc, Departure.state == State.LEAVING)
            if is_held(work.session, key_of(row)) or work.session.scalar(begun.limit(1)) is not None:
                return None
            copies = f"; kept by {', '.join(rule.copied_to)}" if rule.copied_to else ""
            departure = Departure(
                study_uid=row.study_uid,
                patient_id=row.patient_id,
                issuer=row.issuer,
                orthanc=row.orthanc,
                rule=rule.name,
                why=f"kept for {rule.keep_days} days since {rule.since}{copies}",
                state=State.LEAVING,
                by=SERVICE,
                began_at=work.now,
                bytes=row.bytes,
                images=len(files),
                digests=json.dumps([[one.uid, one.md5] for one in files]),
            )
            work.session.add(departure)
            work.session.flush()
            work.record(
                Action.RETENTION,
                patient=Patient(row.patient_id, row.issuer),
                study=row.study_uid,
                rule=rule.name,
                why=departure.why,
                images=str(departure.images),
                bytes=str(departure.bytes),
                departure=str(departure.number),
            )
            return departure.number


def key_of(row: Departure | DueStudy) -> StudyKey:
    """Return which study of whom it is."""
    return StudyKey(row.study_uid, row.patient_id, row.issuer)
