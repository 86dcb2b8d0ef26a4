"""What the routes of notifications take and give; every text and list has its limit."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from cdss_api.accounts.shapes import Identifier
from cdss_api.accounts.shapes_people import instant
from cdss_api.input import Input
from cdss_api.notifications.inboxes import Shown
from cdss_api.notifications.kinds import Channel, Kind
from cdss_api.notifications.models import LONGEST_URL
from cdss_api.outbox.addresses import secure

_LARGEST = 2**53 - 1
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# RFC 5321 4.1.2 without quoted local parts and address literals, which no mailbox of a person needs.
Email = Annotated[
    str, StringConstraints(max_length=254, pattern=rf"^[A-Za-z0-9_%+-]+(\.[A-Za-z0-9_%+-]+)*@{_LABEL}(\.{_LABEL})*$")
]
Address = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL), AfterValidator(secure)]


class NotificationsQuery(Input):
    """Which page: those before a number, the newest first."""

    before: int | None = Field(default=None, ge=1, le=_LARGEST)
    unread: bool = False
    limit: int = Field(default=50, ge=1, le=200)


class NotificationPath(Input):
    """Which notification."""

    notification_id: Identifier


class ReadBody(Input):
    """Up to which number all are read."""

    up_to: int = Field(ge=0, le=_LARGEST)


class NotificationEntry(BaseModel):
    """A notification; `id` is the same in every channel, `number` its place in the account's list."""

    id: str
    number: int
    kind: str
    subject: str
    link: str
    study: str | None
    created_at: str
    read_at: str | None


class NotificationsAnswer(BaseModel):
    """A page; `next` is the `before` of the one after it, `unread` at most 100."""

    notifications: list[NotificationEntry]
    next: int | None
    unread: int


class KindChoice(BaseModel):
    """How one is told of a kind."""

    kind: Kind
    channels: Annotated[list[Channel], Field(max_length=len(Channel))]


class SettingsBody(Input):
    """What somebody chooses; kinds that are missing are told of as the platform does by itself."""

    kinds: Annotated[list[KindChoice], Field(max_length=len(Kind))]
    email: Email | None = None
    webhook: Address | None = None


class SettingsAnswer(BaseModel):
    """What is chosen; `text` is what an e-mail says of a kind, `available` which channels this site has.

    `signing_secret` is there once, when a webhook's address is new.
    """

    kinds: list[KindEntry]
    available: list[Channel]
    email: str | None
    webhook: str | None
    signing_secret: str | None = None


class KindEntry(KindChoice):
    """A kind that one's role is told of."""

    text: str


SettingsAnswer.model_rebuild()


def entry_of(shown: Shown) -> NotificationEntry:
    """Return a notification as it is answered."""
    return NotificationEntry(
        id=shown.notification_id,
        number=shown.number,
        kind=shown.kind,
        subject=shown.subject,
        link=shown.link,
        study=shown.study,
        created_at=instant(shown.created_at),
        read_at=None if shown.read_at is None else instant(shown.read_at),
    )
