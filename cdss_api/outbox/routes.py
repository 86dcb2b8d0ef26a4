"""`/api/v1/outbox`: targets, messages and conflicts, for admins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint

from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.work import Work
from cdss_api.outbox import administration, conflicts, credentials, operations
from cdss_api.outbox.configured_targets import NoSuchTarget, StillOpen, TargetExists, Wanted
from cdss_api.outbox.credentials import Credentials
from cdss_api.outbox.depths import depth_of
from cdss_api.outbox.operations import NoSuchMessage, NotNow, Shown
from cdss_api.outbox.profiles import Kind
from cdss_api.outbox.shapes import (
    ConflictEntry,
    ConflictsAnswer,
    ConflictsQuery,
    MessageEntry,
    MessagePath,
    MessagesAnswer,
    MessagesQuery,
    RemoveQuery,
    TargetBody,
    TargetChange,
    TargetEntry,
    TargetMade,
    TargetPath,
    TargetsAnswer,
    entry,
)
from cdss_api.service import Service
from neuronova.contract.roles import Permission
from neuronova.web.problems import NOTHING, Problem


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("outbox", "/api/v1/outbox", tag="outbox")
    _targets(routes, service)
    _messages(routes, service)
    return routes


def _targets(routes: APIBlueprint, service: Service) -> None:
    guarded = requires(service, Permission.OUTBOX_MANAGE)

    @routes.get("/targets", responses={"200": TargetsAnswer})
    @guarded
    def show_targets() -> Response:
        """List the targets, how much waits for each, and what its breaker says."""
        with service.database.reading() as session:
            found = [entry(TargetEntry, one) for one in depth_of(session, service.now())]
        return jsonify(TargetsAnswer(targets=found).model_dump(mode="json"))

    @routes.post("/targets", responses={"201": TargetMade})
    @guarded
    def add_target(body: TargetBody) -> tuple[Response, int]:
        """Add a target; from now on it is told of every change of the types that it wants."""
        secret = credentials.new_signing_secret() if body.profile is Kind.WEBHOOK else None
        known = Credentials(authorization=body.authorization, signing_secret=secret)
        wanted = Wanted(
            target=body.target,
            profile=body.profile,
            url=body.url,
            kinds=frozenset(body.kinds),
            credentials=known,
            polled=frozenset(body.polled),
        )
        with _told(), service.work(bearer().actor) as work:
            administration.add_target(work, service.settings.data, wanted)
        return jsonify(TargetMade(target=body.target, signing_secret=secret).model_dump()), 201

    @routes.patch("/targets/<target>", responses=NOTHING)
    @guarded
    def change_target(path: TargetPath, body: TargetChange) -> Response:
        """Stop sending to a target, or go on; what changes meanwhile waits for it."""
        with _told(), service.work(bearer().actor) as work:
            administration.pause_target(work, path.target, paused=body.paused)
        return Response(status=204)

    @routes.delete("/targets/<target>", responses=NOTHING)
    @guarded
    def remove_target(path: TargetPath, query: RemoveQuery) -> Response:
        """Forget a target, its credentials, and which of its resources are ours."""
        with _told(), service.work(bearer().actor) as work:
            administration.remove_target(work, path.target, drop=query.drop)
        credentials.forget(service.settings.data, path.target)
        return Response(status=204)

    @routes.get("/conflicts", responses={"200": ConflictsAnswer})
    @guarded
    def show_conflicts(query: ConflictsQuery) -> Response:
        """List what others wrote at targets and our versions replaced."""
        with service.database.reading() as session:
            found = [entry(ConflictEntry, one) for one in conflicts.listed(session, query.target, query.count)]
        return jsonify(ConflictsAnswer(conflicts=found).model_dump(mode="json"))


def _messages(routes: APIBlueprint, service: Service) -> None:
    guarded = requires(service, Permission.OUTBOX_MANAGE)

    def done(act: Callable[[Work, int], Shown], number: int) -> Response:
        with _told(), service.work(bearer().actor) as work:
            return jsonify(entry(MessageEntry, act(work, number)).model_dump(mode="json"))

    @routes.get("/messages", responses={"200": MessagesAnswer})
    @guarded
    def list_messages(query: MessagesQuery) -> Response:
        """List messages without their payloads."""
        with service.database.reading() as session:
            found = operations.listed(
                session, target=query.target, state=query.state, after=query.after, count=query.count
            )
        return jsonify(MessagesAnswer(messages=[entry(MessageEntry, one) for one in found]).model_dump(mode="json"))

    @routes.get("/messages/<int:number>", responses={"200": MessageEntry})
    @guarded
    def show_message(path: MessagePath) -> Response:
        """Show a message with its payload and the target's last answer."""
        return done(administration.show_message, path.number)

    @routes.post("/messages/<int:number>/retry", responses={"200": MessageEntry})
    @guarded
    def retry_message(path: MessagePath) -> Response:
        """Have a dead letter, or a message that waits after a failure, tried at once."""
        return done(administration.retry_message, path.number)

    @routes.delete("/messages/<int:number>", responses={"200": MessageEntry})
    @guarded
    def drop_message(path: MessagePath) -> Response:
        """Delete a message that was not sent; what waited behind it goes on."""
        return done(administration.drop_message, path.number)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what was not possible into a problem."""
    try:
        yield
    except (NoSuchTarget, NoSuchMessage) as missing:
        raise Problem(404, "not_found", f"{missing}.".capitalize()) from None
    except TargetExists as taken:
        raise Problem(409, "target_exists", f"{taken}.".capitalize()) from None
    except (NotNow, StillOpen) as busy:
        raise Problem(409, "not_now", f"{busy}.".capitalize()) from None
