"""Study links: a token for named studies that is handed on, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.accounts.keys import Keyring
from cdss_api.accounts.logins import end, new_id
from cdss_api.accounts.models import Link
from cdss_api.accounts.recording import Action
from cdss_api.accounts.work import Work
from neuronova.contract.roles import Role
from neuronova.contract.token import LEEWAY, Claims

LONGEST = 30 * 24 * 3600  # seconds
# With its token a link stays below the 8 KiB that the gateway takes as an address.
MOST_STUDIES = 20


def make(
    work: Work, keyring: Keyring, *, role: Role, studies: Iterable[str], may_store: bool, expires_in: int
) -> tuple[Link, str]:
    """Return a link of whoever makes it, and its token; it reaches no further than its maker does."""
    work.alone()  # a key that is being replaced must know of it
    link_id, now, uids = new_id(), int(work.now), sorted(set(studies))
    claims = Claims(
        subject=work.actor.subject,
        role=role,
        token_id=new_id(),
        session=link_id,
        issued_at=now,
        expires_at=now + min(expires_in, LONGEST),
        studies=frozenset(uids),
        may_store=may_store,
    )
    token, key_id = keyring.sign(work.session, claims)
    link = Link(
        link_id=link_id,
        account_id=work.actor.subject,
        key_id=key_id,
        studies=uids,
        may_store=may_store,
        created_at=work.now,
        expires_at=float(claims.expires_at),
        revoked_at=None,
    )
    work.session.add(link)
    work.session.flush()
    work.record(Action.LINK_MAKE, link=link_id, studies=" ".join(uids), store=str(may_store).lower())
    return link, token


def revoke(work: Work, link: Link) -> None:
    """Refuse the link's token from now on."""
    work.alone()
    if link.revoked_at is None:
        link.revoked_at = work.now
        end(work, link.link_id, link.expires_at + LEEWAY)
        work.record(Action.LINK_REVOKE, link=link.link_id)


def revoke_all(work: Work, maker: str) -> None:
    """Refuse every link of an account."""
    for link in current(work.session, work.now, maker):
        revoke(work, link)


def current(session: Session, now: float, maker: str | None = None) -> list[Link]:
    """Return the links that hold, the newest first; of one maker, or of all."""
    links = select(Link).where(Link.expires_at > now, Link.revoked_at.is_(None)).order_by(Link.created_at.desc())
    return list(session.scalars(links if maker is None else links.where(Link.account_id == maker)))
