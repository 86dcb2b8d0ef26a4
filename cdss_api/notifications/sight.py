"""Who may be told of a patient: those who may see them at this moment.

By the same grounds as images are decided by: a role that sees all, or a grant in force on that very patient. Whoever
sees what arrived lately sees it for their work on it, and is told nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from cdss_api.accounts.models import Account, Grant
from cdss_api.notifications.models import Happening
from neuronova.contract.grants import Ground, Patient
from neuronova.contract.roles import REACH, Reach, Role

_BY_GRANT = frozenset({Reach.CARE_TEAM, Reach.OWN})
TREATING = frozenset({Ground.CARE_TEAM, Ground.CARE_TEAM_RESOURCE})


def sees_happening(account_id: str, role: Role, now: float) -> ColumnElement[bool]:
    """Return the condition under which an account may be shown a `Happening`."""
    reach = REACH[role]
    if reach is Reach.ALL:
        return true()
    if reach not in _BY_GRANT:
        return false()
    whom = and_(Grant.patient_id == Happening.patient_id, Grant.issuer == Happening.issuer)
    return exists().where(Grant.account_id == account_id, whom, _in_force(now))


def who_see(roles: Collection[Role], patient: Patient | None, now: float, *, treating: bool) -> Select[str]:
    """Return the enabled accounts of these roles that may see a patient; of nobody's, those that see all.

    With `treating`, who needs a grant needs one as a member of the care team.
    """
    everywhere = [role for role in roles if REACH[role] is Reach.ALL]
    granted = [role for role in roles if REACH[role] in _BY_GRANT]
    may: ColumnElement[bool] = Account.role.in_(everywhere)
    if patient is not None:
        may = or_(
            may, and_(Account.role.in_(granted), _is_granted(Account.account_id, patient, now, treating=treating))
        )
    return select(Account.account_id).where(Account.enabled, may).order_by(Account.account_id)


def _is_granted(
    account_id: InstrumentedAttribute[str], patient: Patient, now: float, *, treating: bool
) -> ColumnElement[bool]:
    whom = (Grant.patient_id == patient.patient_id, Grant.issuer == patient.issuer)
    ground = Grant.ground.in_(TREATING) if treating else true()
    return exists().where(Grant.account_id == account_id, *whom, ground, _in_force(now))


def _in_force(now: float) -> ColumnElement[bool]:
    return or_(Grant.until.is_(None), Grant.until > now)
