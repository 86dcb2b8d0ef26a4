"""Telling people, in the transaction of what they are told of."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import insert
from sqlalchemy.orm import Session

from cdss_api.accounts.shapes_people import instant
from cdss_api.database import insert_into
from cdss_api.notifications.kinds import KINDS, Channel, Kind
from cdss_api.notifications.models import (
    LONGEST_DEDUPE,
    LONGEST_KEY,
    LONGEST_LINK,
    LONGEST_SUBJECT,
    Happening,
    Inbox,
    Notification,
)
from cdss_api.notifications.sight import who_see
from cdss_api.outbox.configured_targets import listed
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.profiles import NOTIFICATION
from cdss_api.outbox.waking import NOTIFICATIONS, wake
from neuronova.contract.grants import Patient

EMAIL_TARGET = "email"
WEBHOOK_TARGET = "notification:"  # and the account: one that cannot be reached holds up nobody else's
KIND = "notification"


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What happened. `subject` is one line for those who may see the patient, `link` a path of the console.

    `dedupe` names the happening: a second one of the same name tells nobody anything.
    """

    kind: Kind
    subject: str
    link: str
    dedupe: str
    patient: Patient | None = None
    study: str | None = None

    def __post_init__(self) -> None:
        local = self.link.startswith("/") and not self.link.startswith("//")
        if not local or len(self.link) > LONGEST_LINK:
            raise ValueError("a link is a path of this origin")
        if not 1 <= len(self.dedupe) <= LONGEST_DEDUPE:
            raise ValueError(f"dedupe has 1 to {LONGEST_DEDUPE} characters")
        if any(len(one) > LONGEST_KEY for one in self.patient or ()):
            raise ValueError(f"a patient's identifier has at most {LONGEST_KEY} characters")


def notify(session: Session, news: News, now: float, *, but: Collection[str] = ()) -> int:
    """Tell everybody whom the news is for, save the accounts `but`, and return how many that are.

    Inboxes are locked by the order of their accounts until the transaction ends. A transaction that notifies of
    several happenings begins with `Work.alone`, as those do that change accounts.
    """
    happening = _kept(session, news, now)
    if happening is None:
        return 0
    _tell_site(session, news, happening, now)
    meaning = KINDS[news.kind]
    whom = [
        one
        for one in session.scalars(who_see(meaning.roles, news.patient, now, treating=meaning.treating))
        if one not in but
    ]
    for account in whom:
        _tell(session, account, happening, news.kind, now)
    return len(whom)


def chosen(kind: Kind, channels: Mapping[str, Collection[str]]) -> frozenset[Channel]:
    """Return how an account with these `Inbox.channels` is told of a kind."""
    found = channels.get(kind)
    return KINDS[kind].channels if found is None else frozenset(map(Channel, found))


def _kept(session: Session, news: News, now: float) -> str | None:
    values = {
        "happening_id": secrets.token_hex(16),
        "kind": news.kind,
        "subject": _shortened(news.subject),
        "patient_id": None if news.patient is None else news.patient.patient_id,
        "issuer": None if news.patient is None else news.patient.issuer,
        "study": news.study,
        "link": news.link,
        "dedupe": news.dedupe,
        "created_at": now,
    }
    made = insert_into(session, Happening).values(values).on_conflict_do_nothing(index_elements=["dedupe"])
    found: str | None = session.scalar(made.returning(Happening.happening_id))
    return found


def _tell_site(session: Session, news: News, happening: str, now: float) -> None:
    """Write a message to each of the site's own targets that wants them: what happened, without the patient."""
    told = {"id": happening, "kind": news.kind, "text": KINDS[news.kind].text, "link": news.link}
    payload = json.dumps({**told, "created_at": instant(now)})
    for target in listed(session):
        if NOTIFICATION in target.kinds:
            aggregate = f"{NOTIFICATION}/{happening}"
            enqueue(session, target=target.target, aggregate=aggregate, kind=KIND, payload=payload, now=now)


def _tell(session: Session, account: str, happening: str, kind: Kind, now: float) -> None:
    made = insert_into(session, Inbox).values(account_id=account, last=1, channels={})
    made = made.on_conflict_do_update(index_elements=["account_id"], set_={"last": Inbox.last + 1})
    inbox = session.execute(made.returning(Inbox.last, Inbox.channels, Inbox.email, Inbox.webhook)).one()
    channels = chosen(kind, inbox.channels)
    key = secrets.token_hex(16)
    values = {"account_id": account, "number": inbox.last, "notification_id": key, "happening_id": happening}
    session.execute(insert(Notification).values(values | {"shown": Channel.IN_APP in channels, "read_at": None}))
    wake(session, account, NOTIFICATIONS)
    # A stream for each notification: one that is refused holds up no other.
    message = {"aggregate": f"{NOTIFICATION}/{key}", "kind": KIND, "payload": json.dumps({"notification": key})}
    if Channel.EMAIL in channels and inbox.email is not None:
        enqueue(session, target=EMAIL_TARGET, **message, now=now)
    if Channel.WEBHOOK in channels and inbox.webhook is not None:
        enqueue(session, target=f"{WEBHOOK_TARGET}{account}", **message, now=now)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"
