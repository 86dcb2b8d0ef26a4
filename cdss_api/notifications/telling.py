"""What leaves the house of a notification: what happened and where to look, and no patient."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Account
from cdss_api.notifications.kinds import KINDS, Kind, kinds_for
from cdss_api.notifications.models import Happening, Inbox, Notification
from cdss_api.notifications.sight import sees_happening
from neuronova.contract.roles import Role


@dataclass(frozen=True, slots=True)
class Told:
    """A notification as another system gets it; `link` is a path."""

    notification_id: str
    kind: Kind
    text: str
    link: str
    created_at: float
    email: str | None
    webhook: str | None


def told(session: Session, notification: str, now: float) -> Told | None:
    """Return it as it goes out now; None where its account is disabled, or may not see that patient any more."""
    row = session.execute(
        select(Notification, Happening, Inbox, Account.role)
        .join(Happening, Happening.happening_id == Notification.happening_id)
        .join(Inbox, Inbox.account_id == Notification.account_id)
        .join(Account, Account.account_id == Notification.account_id)
        .where(Notification.notification_id == notification, Account.enabled)
    ).one_or_none()
    if row is None:
        return None
    one, happening, inbox, role = row
    kind = Kind(happening.kind)
    seen = select(Happening.happening_id).where(
        Happening.happening_id == happening.happening_id, sees_happening(one.account_id, Role(role), now)
    )
    if kind not in kinds_for(Role(role)) or session.scalar(seen) is None:
        return None
    return Told(
        one.notification_id, kind, KINDS[kind].text, happening.link, happening.created_at, inbox.email, inbox.webhook
    )
