"""`/api/v1/audit`: the records of all writers, searched and counted."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints
from sqlalchemy import select

from cdss_api.accounts import recording
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.models import Account
from cdss_api.input import Input
from cdss_api.service import Service
from neuronova.audit.search import DAY, HOUR, Cursor, Query, counts, search
from neuronova.audit.trail import Trail
from neuronova.contract.audit import Action, Outcome, Record
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem

Text = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class AuditQuery(Input):
    """What to look for; without any of it, everything."""

    patient_id: Text | None = None
    issuer: Annotated[str, StringConstraints(max_length=64)] | None = None
    study: Text | None = None
    user: Text | None = Field(default=None, description="An account's identifier or its username.")
    action: Action | None = None
    outcome: Outcome | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class AuditPageQuery(AuditQuery):
    """Which page of it."""

    limit: int = Field(default=100, ge=1, le=1000)
    after: Annotated[str, StringConstraints(max_length=256)] | None = Field(
        default=None, description="`next` of the page before."
    )


class CountsQuery(AuditQuery):
    """In steps of an hour or a day."""

    daily: bool = False


class AuditEntry(BaseModel):
    """One record of one writer's chain."""

    writer: str
    sequence: int
    time: str
    action: Action
    outcome: Outcome
    reason: str
    user: str
    role: str
    patient_id: str
    issuer: str
    study: str
    series: str
    address: str
    aet: str
    route: str
    count: int
    status: int | None
    detail: str
    refers_to: int | None
    hash: str


class AuditPage(BaseModel):
    """Records, the newest first; `next` is the place of the next page."""

    records: list[AuditEntry]
    next: str | None


class CountEntry(BaseModel):
    """Accesses that ended one way, in the hour or day that begins at `start`."""

    start: str
    outcome: Outcome
    accesses: int


class CountsAnswer(BaseModel):
    """Accesses over time."""

    counts: list[CountEntry]


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("audit", "/api/v1/audit", tag="audit")
    guarded = requires(service, Permission.AUDIT_READ)

    @routes.get("/records", responses={"200": AuditPage})
    @guarded
    def records(query: AuditPageQuery) -> Response:
        """Search the records of Orthanc, the API and the command line; the search itself is recorded."""
        # Whose records were looked at stands in the detail: reading about a patient is no access to the patient.
        asked = {name: str(value) for name, value in query.model_dump(mode="json", exclude_none=True).items()}
        recording.write(service.record, bearer().actor, recording.Action.AUDIT_SEARCH, detail=asked)
        page = search(
            Trail(service.settings.data).journals(),
            _query(service, query),
            after=_place(query.after),
            limit=query.limit,
        )
        names = _names(service, {record.event.subject for record in page.records})
        found = [_entry(record, names) for record in page.records]
        answer = AuditPage(records=found, next=None if page.next is None else _written(page.next))
        return jsonify(answer.model_dump(mode="json"))

    @routes.get("/counts", responses={"200": CountsAnswer})
    @guarded
    def over_time(query: CountsQuery) -> Response:
        """Count accesses over time."""
        width = DAY if query.daily else HOUR
        found = counts(Trail(service.settings.data).journals(), _query(service, query), width=width)
        told = [CountEntry(start=_instant(one.start), outcome=one.outcome, accesses=one.accesses) for one in found]
        return jsonify(CountsAnswer(counts=told).model_dump(mode="json"))

    return routes


def _query(service: Service, asked: AuditQuery) -> Query:
    return Query(
        patient_id=asked.patient_id,
        issuer=asked.issuer,
        study=asked.study,
        subject=None if asked.user is None else _subject(service, asked.user),
        action=asked.action,
        outcome=asked.outcome,
        since=None if asked.since is None else asked.since.timestamp(),
        until=None if asked.until is None else asked.until.timestamp(),
    )


def _subject(service: Service, user: str) -> str:
    with service.database.reading() as session:
        return session.scalar(select(Account.account_id).where(Account.username == user)) or user


def _names(service: Service, subjects: set[str]) -> dict[str, str]:
    with service.database.reading() as session:
        known = select(Account).where(Account.account_id.in_(sorted(subjects)))
        return {account.account_id: account.username for account in session.scalars(known)}


def _entry(record: Record, names: dict[str, str]) -> AuditEntry:
    event = record.event
    return AuditEntry(
        writer=record.writer,
        sequence=record.sequence,
        time=_instant(event.time),
        action=event.action,
        outcome=event.outcome,
        reason=event.reason,
        user=names.get(event.subject, event.subject),
        role=event.role,
        patient_id=event.patient_id,
        issuer=event.issuer,
        study=event.study,
        series=event.series,
        address=event.address,
        aet=event.aet,
        route=event.route,
        count=event.count,
        status=event.status,
        detail=event.detail,
        refers_to=event.refers_to,
        hash=record.hash,
    )


def _instant(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat()


def _written(place: Cursor) -> str:
    return urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(text: str | None) -> Cursor | None:
    if text is None:
        return None
    try:
        time, writer, sequence = json.loads(urlsafe_b64decode(text))
        return Cursor(int(time), str(writer), int(sequence))
    except (ValueError, TypeError):
        raise Problem(422, "invalid_input", "`after` is the `next` of another page.") from None
