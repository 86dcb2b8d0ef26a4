"""Accounts as they are searched, and how many patients each was granted."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cdss_api.accounts.models import Account, Grant
from cdss_api.accounts.shapes_people import GrantCounts, UsersQuery
from neuronova.contract.grants import Ground


def listed(session: Session, query: UsersQuery) -> Sequence[Account]:
    """Return a page of the accounts that fit, in the order of their names."""
    rows = select(Account).where(Account.username > (query.after or "")).order_by(Account.username)
    if query.text is not None:
        part = query.text.strip().lower()
        names = (Account.username, func.lower(Account.display_name))
        rows = rows.where(or_(*(name.contains(part, autoescape=True) for name in names)))
    if query.role is not None:
        rows = rows.where(Account.role == query.role)
    if query.enabled is not None:
        rows = rows.where(Account.enabled == query.enabled)
    return session.scalars(rows.limit(query.limit)).all()


def counted(session: Session, accounts: Sequence[str], now: float) -> dict[str, GrantCounts]:
    """Count the grants that hold now of each of these accounts."""
    holding = Grant.until.is_(None) | (Grant.until > now)
    rows = select(Grant.account_id, Grant.ground, func.count()).where(Grant.account_id.in_(accounts), holding)
    found = {
        (account, ground): count
        for account, ground, count in session.execute(rows.group_by(Grant.account_id, Grant.ground))
    }
    return {
        one: GrantCounts(
            care_team=found.get((one, Ground.CARE_TEAM), 0), break_glass=found.get((one, Ground.BREAK_GLASS), 0)
        )
        for one in accounts
    }
