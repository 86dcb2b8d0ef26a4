"""The members of a patient's care teams see that patient: CareTeam resources become grants, in the same transaction.

A member is a Practitioner that names an account (identifier of system `urn:neuronova:account`, its username). What the
teams say replaces what they said before; grants that were given one by one are another ground and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import not_, select

from cdss_api.accounts import grants
from cdss_api.accounts.models import Account, Grant
from cdss_api.accounts.work import Work
from cdss_api.fhir.compartment import identities_of, patients_of
from cdss_api.fhir.document import Document, read
from cdss_api.fhir.models import Compartment, ReferenceValue, Resource, TokenValue, Version
from cdss_api.fhir.moment import micros_of, span
from cdss_api.fhir.store import Store, Stored
from cdss_api.fhir.values import link_of
from neuronova.contract.grants import Ground, Patient
from neuronova.contract.roles import REACH, Reach, Role

ACCOUNT = "urn:neuronova:account"
FOLLOWED = frozenset({"CareTeam", "Patient", "Practitioner"})
_GROUND = Ground.CARE_TEAM_RESOURCE

# Until when an account is in a team of a patient; None is without an end.
Members = dict[str, float | None]


def follow(work: Work, store: Store, written: Iterable[Stored]) -> None:
    """Bring the grants of those whom the written resources concern to what their care teams now say."""
    concerned = [one for one in written if one.kind in FOLLOWED]
    if not concerned:
        return
    work.alone()  # two teams of a patient that change at once would each be worked out without the other
    patients: set[str] = set()
    identities: set[Patient] = set()
    for one in concerned:
        if one.kind == "Practitioner":
            patients |= _patients_cared_for(store, one.id)
        for document in _versions(store, one):
            patients |= patients_of(document) if one.kind == "CareTeam" else set()
            if one.kind == "Patient":
                patients.add(one.id)
                identities |= identities_of(document)
    wanted = {identity: Members() for identity in identities}  # what is a patient's no more is seen by nobody for it
    for patient in sorted(patients):
        members = _members(store, patient, work.now)
        for identity in _identities(store, patient):
            for account, until in members.items():
                wanted.setdefault(identity, {})[account] = _later(wanted.get(identity, {}), account, until)
            wanted.setdefault(identity, {})
    for identity in sorted(wanted):
        _grant(work, identity, wanted[identity])


def _versions(store: Store, stored: Stored) -> list[Document]:
    """Return what a resource says and what it said before."""
    rows = (
        select(Version.body)
        .join(Resource, Resource.number == Version.number)
        .where(Resource.kind == stored.kind, Resource.logical_id == stored.id)
        .where(Version.version.in_((stored.version, stored.version - 1)), Version.body.is_not(None))
    )
    return [read(body) for body in store.session.scalars(rows) if body is not None]


def _patients_cared_for(store: Store, practitioner: str) -> set[str]:
    rows = (
        select(Compartment.patient)
        .join(ReferenceValue, ReferenceValue.number == Compartment.number)
        .where(ReferenceValue.kind == "CareTeam", ReferenceValue.code == "participant")
        .where(ReferenceValue.target_kind == "Practitioner", ReferenceValue.target_id == practitioner)
    )
    return set(store.session.scalars(rows))


def _identities(store: Store, patient: str) -> set[Patient]:
    body = store.session.scalar(_current("Patient").where(Resource.logical_id == patient))
    return set() if body is None else identities_of(read(body))


def _members(store: Store, patient: str, now: float) -> Members:
    """Return the accounts of a patient's teams that are in force."""
    rows = _current("CareTeam").join(Compartment, Compartment.number == Resource.number)
    found: Members = {}
    for body in store.session.scalars(rows.where(Compartment.patient == patient)):
        team = read(body or "{}")
        if team.get("status") != "active" or not _is_current(team.get("period"), now):
            continue
        for participant in _objects(team.get("participant")):
            if _is_current(participant.get("period"), now):
                for account in _accounts(store, participant.get("member")):
                    ends = (_end(team.get("period")), _end(participant.get("period")))
                    until = min((end for end in ends if end is not None), default=None)
                    found[account] = _later(found, account, until)
    return found


def _current(kind: str) -> Any:
    same = (Version.number == Resource.number) & (Version.version == Resource.version)
    return select(Version.body).join(Resource, same).where(Resource.kind == kind, not_(Resource.deleted))


def _accounts(store: Store, member: Any) -> list[str]:
    link = link_of("member", str(member.get("reference", "")) if isinstance(member, dict) else "")
    if link.kind != "Practitioner" or link.url:
        return []
    rows = (
        select(Account.account_id, Account.role)
        .join(TokenValue, TokenValue.value == Account.username)
        .join(Resource, Resource.number == TokenValue.number)
        .where(TokenValue.kind == "Practitioner", TokenValue.code == "identifier", TokenValue.system == ACCOUNT)
        .where(Resource.logical_id == link.id)
    )
    return [account for account, role in store.session.execute(rows) if REACH[Role(role)] is Reach.CARE_TEAM]


def _is_current(period: Any, now: float) -> bool:
    if not isinstance(period, dict):
        return True
    try:
        start, end = period.get("start"), _end(period)
        return (start is None or span(start).low <= micros_of(now)) and (end is None or end > now)
    except (TypeError, ValueError):  # nobody is in a team at an odd time
        return False


def _end(period: Any) -> float | None:
    end = period.get("end") if isinstance(period, dict) else None
    return None if end is None else span(end).high / 1_000_000


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _later(known: Members, account: str, until: float | None) -> float | None:
    if account not in known:
        return until
    before = known[account]
    return None if before is None or until is None else max(before, until)


def _grant(work: Work, patient: Patient, members: Members) -> None:
    """Give and take what differs."""
    whom = (Grant.patient_id == patient.patient_id, Grant.issuer == patient.issuer, Grant.ground == _GROUND)
    rows = work.session.execute(select(Grant.account_id, Grant.until).where(*whom))
    now_granted = {account: until for account, until in rows}  # noqa: C416 - rows, not pairs
    for account_id in sorted(members.keys() | now_granted.keys()):
        account = work.session.get_one(Account, account_id)
        if account_id not in members:
            grants.take(work, account, patient, _GROUND)
        elif account_id not in now_granted or now_granted[account_id] != members[account_id]:
            grants.give(work, account, patient, _GROUND, until=members[account_id])
