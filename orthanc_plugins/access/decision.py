"""Whether a bearer may do what a request asks for: one pure function and its reasons."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from neuronova.contract.audit import Action
from neuronova.contract.grants import Patient
from neuronova.contract.roles import REACH, Permission, Reach
from neuronova.contract.token import Claims
from orthanc_plugins.access.address import Address


class Reason(StrEnum):
    """Why a request is allowed or refused: what clients, logs and the audit trail are told."""

    # allowed
    INTERNAL = "internal"
    ROLE = "role"
    CARE_TEAM = "care-team"
    OWN = "own"
    BREAK_GLASS = "break-glass"
    RECENT = "recent"
    LISTED = "listed"  # a list, which shows permitted patients only
    # refused: who asks is not known (401)
    NO_TOKEN = "no-token"  # noqa: S105
    BAD_TOKEN = "bad-token"  # noqa: S105
    EXPIRED = "token-expired"
    REVOKED = "token-revoked"
    DISABLED = "account-disabled"
    STALE = "grants-stale"
    UNRECORDED = "audit-unavailable"  # (503)
    FULL = "disk-full"  # (507)
    HELD = "legal-hold"  # (409)
    # refused: known, but not allowed (403)
    FORBIDDEN = "role-forbidden"
    ROUTE = "route-unknown"
    NOT_PERMITTED = "patient-not-permitted"
    # refused as if it were not there (404)
    HIDDEN = "not-found"


_UNKNOWN_BEARER = frozenset(
    {Reason.NO_TOKEN, Reason.BAD_TOKEN, Reason.EXPIRED, Reason.REVOKED, Reason.DISABLED, Reason.STALE}
)
_UNABLE = MappingProxyType({Reason.UNRECORDED: 503, Reason.FULL: 507, Reason.HELD: 409})


class Decision(NamedTuple):
    """What was decided, and why."""

    allowed: bool
    reason: Reason

    @property
    def status(self) -> int:
        """The HTTP status that a refusal is answered with (RFC 9110 15.5)."""
        if self.allowed:
            return 200
        if self.reason in _UNABLE:
            return _UNABLE[self.reason]
        if self.reason in _UNKNOWN_BEARER:
            return 401
        return 404 if self.reason is Reason.HIDDEN else 403


class Bearer(NamedTuple):
    """Who asks: the token's claims, why the account may see which patients, and since when a study counts as recent."""

    claims: Claims
    grounds: Callable[[Patient], Reason | None] = lambda _patient: None
    recent_since: float = 0.0

    @property
    def reach(self) -> Reach:
        """Whose images the role sees."""
        return REACH[self.claims.role]


class Holding(NamedTuple):
    """One patient under whom a StudyInstanceUID exists; `arrived` is when its first instance was stored."""

    patient: Patient
    arrived: float


INTERNAL = Decision(True, Reason.INTERNAL)
HIDDEN = Decision(False, Reason.HIDDEN)


def decide(address: Address, bearer: Bearer, holdings: Collection[Holding]) -> Decision:
    """Decide on a request; `holdings` are all patients under whom the addressed study exists.

    Whoever does not see all of them sees the study not at all, and the same way as one that does not exist.
    """
    if address.permission is None:
        return Decision(False, Reason.ROUTE)
    if address.permission not in bearer.claims.permissions:
        return Decision(False, Reason.FORBIDDEN)
    limited = is_limited(bearer)
    if limited and address.odd:
        return HIDDEN
    if address.study is None:
        return Decision(True, Reason.LISTED if limited else Reason.ROLE)
    if bearer.claims.studies is not None and address.study not in bearer.claims.studies:
        return HIDDEN
    if bearer.reach is Reach.ALL:
        return Decision(True, Reason.ROLE)
    reason = None
    for holding in holdings:
        found = sees(bearer, holding)
        if found is None:
            return HIDDEN
        if reason is None or found is Reason.BREAK_GLASS:
            reason = found
    return HIDDEN if reason is None else Decision(True, reason)


def decide_store(bearer: Bearer, study: str, patient_id: str, holdings: Collection[Holding]) -> Decision:
    """Decide on storing an object of a patient into a study that exists under `holdings`, or under nobody yet.

    Who sees what arrived lately, a technologist, may begin a study; everybody else of limited reach adds to one.
    """
    if not holdings and bearer.reach is Reach.RECENT and bearer.claims.studies is None:
        return Decision(True, Reason.RECENT)
    into = decide(Address(Action.STORE, Permission.IMAGES_STORE, study), bearer, holdings)
    if into.allowed and holdings and patient_id not in {held.patient.patient_id for held in holdings}:
        return Decision(False, Reason.NOT_PERMITTED)
    return into if into.allowed else Decision(False, Reason.NOT_PERMITTED)


def sees(bearer: Bearer, holding: Holding) -> Reason | None:
    """Return why a bearer of limited reach sees a patient's study, None where not."""
    if bearer.reach is Reach.RECENT:
        return Reason.RECENT if holding.arrived >= bearer.recent_since else None
    return bearer.grounds(holding.patient)


def is_limited(bearer: Bearer) -> bool:
    """Tell whether lists have to be narrowed for this bearer."""
    return bearer.claims.studies is not None or bearer.reach is not Reach.ALL


def needs_holdings(address: Address, bearer: Bearer) -> bool:
    """Tell whether a decision depends on whose study it is."""
    return address.study is not None and bearer.reach is not Reach.ALL and not address.odd
