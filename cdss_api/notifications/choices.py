"""What an account chose: which kinds by which channels, and where the channels lead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from cdss_api.database import insert_into
from cdss_api.notifications.kinds import Channel, Kind, kinds_for
from cdss_api.notifications.models import Inbox
from cdss_api.notifications.notifying import WEBHOOK_TARGET, chosen
from cdss_api.outbox import credentials
from cdss_api.outbox.credentials import Credentials, new_signing_secret
from neuronova.contract.roles import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """An account's choices; every kind that its role is told of is in `channels`."""

    channels: Mapping[Kind, frozenset[Channel]]
    email: str | None
    webhook: str | None


def choices_of(session: Session, account: str, role: Role) -> Choices:
    """Return what an account chose, or the table's where it chose nothing."""
    inbox = session.get(Inbox, account)
    known = {} if inbox is None else inbox.channels
    return Choices(
        channels={kind: chosen(kind, known) for kind in kinds_for(role)},
        email=None if inbox is None else inbox.email,
        webhook=None if inbox is None else inbox.webhook,
    )


def choose(
    session: Session,
    data: Path,
    account: str,
    channels: Mapping[Kind, Collection[Channel]],
    *,
    email: str | None,
    webhook: str | None,
) -> str | None:
    """Keep an account's choices; where the webhook is another one, return its new secret: it is shown once."""
    inbox = _locked(session, account)
    secret = None
    if webhook is not None and webhook != inbox.webhook:
        secret = new_signing_secret()
        # Before the address: a secret without one harms nobody.
        credentials.keep(data, target_of(account), Credentials(signing_secret=secret))
    inbox.channels = {kind.value: sorted(chosen) for kind, chosen in channels.items()}
    inbox.email, inbox.webhook = email, webhook
    session.flush()
    return secret


def _locked(session: Session, account: str) -> Inbox:
    session.execute(
        insert_into(session, Inbox).values(account_id=account, last=0, channels={}).on_conflict_do_nothing()
    )
    return session.get_one(Inbox, account, with_for_update=True)


def target_of(account: str) -> str:
    """Return the outbox's target of an account's webhook."""
    return f"{WEBHOOK_TARGET}{account}"
