"""What an account reads of its notifications, and what it marks as read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from cdss_api.notifications.models import Happening, Inbox, Notification
from cdss_api.notifications.sight import sees_happening
from neuronova.contract.roles import Role

MOST_COUNTED = 100  # unread ones; a person needs no more digits


@dataclass(frozen=True, slots=True)
class Shown:
    """A notification as its account sees it; times are seconds since the epoch."""

    number: int
    notification_id: str
    kind: str
    subject: str
    link: str
    study: str | None
    created_at: float
    read_at: float | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, at a moment: they see what is shown to them of patients that they may see now."""

    account: str
    role: Role
    now: float

    def page(self, session: Session, *, before: int | None, unread: bool, limit: int) -> list[Shown]:
        """Return the newest notifications, or those before a number."""
        conditions = [] if before is None else [Notification.number < before]
        conditions += [Notification.read_at.is_(None)] if unread else []
        return self._shown(session, conditions, newest_first=True, limit=limit)

    def since(self, session: Session, number: int, limit: int) -> tuple[int, list[Shown]]:
        """Return how far the inbox is, and what came after `number`, the oldest first.

        Where `limit` cuts it off, the inbox is as far as the last one that is returned.
        """
        last = last_of(session, self.account)
        # A number that was not given yet (of another database, say) would else hide what comes.
        after = number if number <= last else 0
        between = [Notification.number > after, Notification.number <= last]
        found = self._shown(session, between, newest_first=False, limit=limit)
        return (found[-1].number if len(found) == limit else last), found

    def unread(self, session: Session) -> int:
        """Return how many are unread, at most `MOST_COUNTED`."""
        some = select(Notification.number).join(Happening).where(*self._mine(), Notification.read_at.is_(None))
        return session.scalar(select(func.count()).select_from(some.limit(MOST_COUNTED).subquery())) or 0

    def mark(self, session: Session, notification: str) -> bool:
        """Mark one as read; tell whether there is such a one."""
        of = (Notification.account_id == self.account, Notification.notification_id == notification)
        found = session.scalar(select(Notification.number).join(Happening).where(*of, *self._mine()))
        if found is None:
            return False
        session.execute(update(Notification).where(*of, Notification.read_at.is_(None)).values(read_at=self.now))
        return True

    def mark_all(self, session: Session, up_to: int) -> None:
        """Mark those up to a number as read: what came since was not seen yet."""
        of = (Notification.account_id == self.account, Notification.number <= up_to, Notification.read_at.is_(None))
        session.execute(update(Notification).where(*of).values(read_at=self.now))

    def _mine(self) -> tuple[ColumnElement[bool], ...]:
        seen = sees_happening(self.account, self.role, self.now)
        return (Notification.account_id == self.account, Notification.shown.is_(True), seen)

    def _shown(
        self, session: Session, conditions: Sequence[ColumnElement[bool]], *, newest_first: bool, limit: int
    ) -> list[Shown]:
        order = Notification.number.desc() if newest_first else Notification.number
        rows = (
            select(
                Notification.number,
                Notification.notification_id,
                Happening.kind,
                Happening.subject,
                Happening.link,
                Happening.study,
                Happening.created_at,
                Notification.read_at,
            )
            .join(Happening)
            .where(*self._mine(), *conditions)
            .order_by(order)
            .limit(limit)
        )
        return [Shown(*row) for row in session.execute(rows)]


def last_of(session: Session, account: str) -> int:
    """Return the number of the last notification of an account."""
    return session.scalar(select(Inbox.last).where(Inbox.account_id == account)) or 0
