"""One change of accounts: its transaction, who makes it, and what everybody else is told of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from cdss_api.accounts import recording
from cdss_api.accounts.models import LoggedChange, Version
from cdss_api.accounts.recording import Action, Actor, Outcome, Record
from neuronova.contract.grants import Change, Patient, Update, to_json

# A reader that was away for longer than this many changes gets a snapshot instead.
KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Work:
    """A transaction that changes accounts."""

    session: Session
    now: float
    actor: Actor
    _record: Record

    def alone(self) -> None:
        """Wait until nobody else changes anything, and keep it so until the end.

        Whatever may publish begins with it: locks that are always taken in one order never wait for one another.
        """
        self.session.execute(select(Version.version).with_for_update())

    def publish(self, *changes: Change) -> None:
        """Log the changes under the next numbers; whoever polls sees them once this transaction is committed.

        The version's row is locked until then, so that no change becomes visible before one with a smaller number.
        """
        if not changes:
            return
        raised = update(Version).values(version=Version.version + len(changes)).returning(Version.version)
        last: int = self.session.execute(raised).scalar_one()
        logged = to_json(Update(version=last, full=False, changes=changes))["changes"]
        first = last - len(changes) + 1
        rows = [{"version": number, "change": change} for number, change in enumerate(logged, start=first)]
        self.session.execute(insert(LoggedChange), rows)
        self.session.execute(delete(LoggedChange).where(LoggedChange.version <= last - KEPT))

    def recording_by(self, record: Record) -> Work:
        """Return the same work with its records told to somebody else."""
        return replace(self, _record=record)

    def record(
        self,
        action: Action,
        outcome: Outcome = Outcome.DONE,
        *,
        reason: str | None = None,
        patient: Patient | None = None,
        **detail: str,
    ) -> None:
        """Record what is done here; if that fails, so does the whole transaction."""
        recording.write(self._record, self.actor, action, outcome, reason=reason, patient=patient, detail=detail)
