"""`/api/v1/prefetch`: the rules in force, and which priors come. Its messages are the outbox's."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from sqlalchemy import select

from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.recording import Action
from cdss_api.modalities import storing
from cdss_api.prefetch.listing import listed, priors_of
from cdss_api.prefetch.models import Prefetch, State
from cdss_api.prefetch.requesting import request
from cdss_api.prefetch.shapes import (
    PrefetchAnswer,
    PrefetchEntry,
    PrefetchPath,
    PrefetchQuery,
    PrefetchRulesAnswer,
    prefetch_entry,
    rule_entry,
)
from cdss_api.service import Service
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem

_ENDED = (State.DONE, State.SUPERSEDED)


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("prefetch", "/api/v1/prefetch", tag="prefetch")
    guarded = requires(service, Permission.OUTBOX_MANAGE)

    @routes.get("", responses={"200": PrefetchAnswer})
    @guarded
    def show(query: PrefetchQuery) -> Response:
        """List orders' priors, the newest first, with what archives have and said."""
        with service.work(bearer().actor) as work:
            rows = listed(work.session, state=query.state, before=query.before, count=query.count + 1)
            priors = priors_of(work.session, rows)
            entries = [prefetch_entry(one, priors[one.number]) for one in rows[: query.count]]
            work.record(Action.PREFETCH_LIST, count=str(len(entries)))
        answer = PrefetchAnswer(prefetches=entries, more=len(rows) > query.count)
        return jsonify(answer.model_dump(mode="json"))

    @routes.post("/<int:number>/again", responses={"200": PrefetchEntry})
    @guarded
    def again(path: PrefetchPath) -> Response:
        """Ask the archive once more; what failed or waits is retried by its message in the outbox."""
        with service.work(bearer().actor) as work:
            row = work.session.scalar(select(Prefetch).where(Prefetch.number == path.number).with_for_update())
            if row is None:
                raise Problem(404, "no_such_prefetch", "There is no such prefetch.")
            if row.state not in _ENDED:
                raise Problem(409, "in_progress", "It is under way, or failed: retry its message in the outbox.")
            request(work, row)
            entry = prefetch_entry(row, priors_of(work.session, [row])[row.number])
        return jsonify(entry.model_dump(mode="json"))

    @routes.get("/rules", responses={"200": PrefetchRulesAnswer})
    @guarded
    def rules() -> Response:
        """Show the rules, as the service read them at its start."""
        with service.database.reading() as session:
            known = storing(session)
        file = service.settings.prefetch_rules
        entries = [rule_entry(one, known=one.archive in known) for one in service.prefetch]
        answer = PrefetchRulesAnswer(file=None if file is None else str(file), rules=entries)
        return jsonify(answer.model_dump(mode="json"))

    return routes
