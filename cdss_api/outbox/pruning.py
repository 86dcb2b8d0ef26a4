"""Completed messages are deleted after a time: their payloads are patients' data, and nobody needs them again."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cdss_api.outbox.models import Message
from cdss_api.outbox.states import State

_LOOKED_AT = 2000  # of each transaction, so that no writer waits for long


def prune(session: Session, before: float, after: int = 0) -> int | None:
    """Delete what was completed before a moment, of the next messages behind the number `after`.

    Return the number to go on from; None where all that follows is younger. Numbers follow the order of time, so what
    is still kept is looked at no further than its first part.
    """
    rows = select(Message.number, Message.state, Message.changed_at, Message.created_at)
    looked = list(session.execute(rows.where(Message.number > after).order_by(Message.number).limit(_LOOKED_AT)))
    old = [row.number for row in looked if row.state == State.COMPLETED and row.changed_at < before]
    session.execute(delete(Message).where(Message.number.in_(old)))
    if len(looked) < _LOOKED_AT or looked[-1].created_at >= before:
        return None
    return int(looked[-1].number)
