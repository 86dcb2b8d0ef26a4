"""`/api/v1/notifications`: one's own notifications, and how one is told. The stream is another process's (`asgi`)."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from sqlalchemy.orm import Session

from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.models import Account
from cdss_api.notifications.choices import Choices, choices_of, choose
from cdss_api.notifications.inboxes import Reader
from cdss_api.notifications.kinds import KINDS, Channel, kinds_for
from cdss_api.notifications.shapes import (
    KindEntry,
    NotificationPath,
    NotificationsAnswer,
    NotificationsQuery,
    ReadBody,
    SettingsAnswer,
    SettingsBody,
    entry_of,
)
from cdss_api.service import Service
from neuronova.web.problems import NOTHING, Problem


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("notifications", "/api/v1/notifications", tag="notifications")
    _list(routes, service)
    _settings(routes, service)
    return routes


def _list(routes: APIBlueprint, service: Service) -> None:
    @routes.get("", responses={"200": NotificationsAnswer})
    @requires(service)
    def show(query: NotificationsQuery) -> Response:
        """List one's notifications, the newest first."""
        reader = _reader(service)
        with service.database.reading() as session:
            found = reader.page(session, before=query.before, unread=query.unread, limit=query.limit)
            unread = reader.unread(session)
        following = found[-1].number if len(found) == query.limit else None
        answer = NotificationsAnswer(notifications=[entry_of(one) for one in found], next=following, unread=unread)
        return jsonify(answer.model_dump(mode="json"))

    @routes.post("/<notification_id>/read", responses=NOTHING)
    @requires(service)
    def read(path: NotificationPath) -> Response:
        """Mark one as read."""
        with service.database.writing() as session:
            if not _reader(service).mark(session, path.notification_id):
                raise Problem(404, "no_such_notification", "There is no such notification.")
        return Response(status=204)

    @routes.post("/read", responses=NOTHING)
    @requires(service)
    def read_all(body: ReadBody) -> Response:
        """Mark all up to a number as read."""
        with service.database.writing() as session:
            _reader(service).mark_all(session, body.up_to)
        return Response(status=204)


def _settings(routes: APIBlueprint, service: Service) -> None:
    @routes.get("/settings", responses={"200": SettingsAnswer})
    @requires(service)
    def settings() -> Response:
        """Say how one is told of what."""
        claims = bearer().claims
        with service.database.reading() as session:
            found = choices_of(session, claims.subject, claims.role)
        return jsonify(_answer(service, found).model_dump(mode="json"))

    @routes.put("/settings", responses={"200": SettingsAnswer})
    @requires(service)
    def change(body: SettingsBody) -> Response:
        """Choose how one is told of what, and where to; all of it is replaced."""
        claims = bearer().claims
        _refuse_odd(service, body)
        with service.database.writing() as session:
            _require_account(session, claims.subject)
            wanted = {one.kind: one.channels for one in body.kinds}
            secret = choose(
                session, service.settings.data, claims.subject, wanted, email=body.email, webhook=body.webhook
            )
            answer = _answer(service, choices_of(session, claims.subject, claims.role))
        return jsonify({**answer.model_dump(mode="json"), "signing_secret": secret})


def _reader(service: Service) -> Reader:
    claims = bearer().claims
    return Reader(claims.subject, claims.role, service.now())


def _require_account(session: Session, account: str) -> None:
    if session.get(Account, account) is None:
        raise Problem(403, "no_account", "A service has no account.")


def _refuse_odd(service: Service, body: SettingsBody) -> None:
    known = kinds_for(bearer().claims.role)
    wanted = {channel for one in body.kinds for channel in one.channels}
    if len({one.kind for one in body.kinds}) < len(body.kinds):
        raise Problem(422, "invalid_input", "kinds: one is named twice.")
    if any(one.kind not in known for one in body.kinds):
        raise Problem(422, "invalid_input", "kinds: your role is not told of one of them.")
    if Channel.EMAIL in wanted and (body.email is None or service.settings.smtp is None):
        why = "this site sends no e-mail" if service.settings.smtp is None else "it needs an address"
        raise Problem(422, "invalid_input", f"kinds: e-mail is chosen and {why}.")
    if Channel.WEBHOOK in wanted and body.webhook is None:
        raise Problem(422, "invalid_input", "kinds: webhook is chosen and it needs an address.")


def _answer(service: Service, found: Choices) -> SettingsAnswer:
    kinds = [
        KindEntry(kind=kind, channels=sorted(channels), text=KINDS[kind].text)
        for kind, channels in found.channels.items()
    ]
    available = [one for one in Channel if one is not Channel.EMAIL or service.settings.smtp is not None]
    return SettingsAnswer(kinds=kinds, available=available, email=found.email, webhook=found.webhook)
