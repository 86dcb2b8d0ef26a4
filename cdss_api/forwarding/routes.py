"""`/api/v1/forwarding`: the rules in force, and what is on its way. Its messages are the outbox's."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint

from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.recording import Action
from cdss_api.forwarding.listing import by_destination, listed
from cdss_api.forwarding.shapes import (
    DestinationCounts,
    DestinationsAnswer,
    ForwardingRulesAnswer,
    ForwardsAnswer,
    ForwardsQuery,
    forward_entry,
    rule_entry,
)
from cdss_api.modalities import storing
from cdss_api.service import Service
from neuronova.contract.roles import Permission


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("forwarding", "/api/v1/forwarding", tag="forwarding")
    guarded = requires(service, Permission.OUTBOX_MANAGE)
    file = service.settings.forwarding_rules

    @routes.get("", responses={"200": ForwardsAnswer})
    @guarded
    def show(query: ForwardsQuery) -> Response:
        """List the series on their way, the newest first, with what their destinations said."""
        with service.work(bearer().actor) as work:
            found = listed(
                work.session,
                state=query.state,
                destination=query.destination,
                before=query.before,
                count=query.count + 1,
            )
            entries = [forward_entry(one) for one in found[: query.count]]
            work.record(Action.FORWARD_LIST, count=str(len(entries)))
        answer = ForwardsAnswer(forwards=entries, more=len(found) > query.count)
        return jsonify(answer.model_dump(mode="json"))

    @routes.get("/destinations", responses={"200": DestinationsAnswer})
    @guarded
    def destinations() -> Response:
        """Count the series of each destination by state; no patient is named."""
        with service.database.reading() as session:
            counted = by_destination(session)
        totals = [DestinationCounts(destination=name, counts=counts) for name, counts in counted.items()]
        return jsonify(DestinationsAnswer(destinations=totals).model_dump(mode="json"))

    @routes.get("/rules", responses={"200": ForwardingRulesAnswer})
    @guarded
    def rules() -> Response:
        """Show the rules, as their file is now: Orthanc has read it at its start."""
        from neuronova.contract.forwarding.rules_file import NOTHING, read_forwarding_file

        read, problem = NOTHING, None
        try:
            read = read_forwarding_file(file)
        except (OSError, ValueError) as error:
            problem = str(error)
        with service.database.reading() as session:
            known = storing(session)
        answer = ForwardingRulesAnswer(
            file=None if file is None else str(file),
            problem=problem,
            rules=[rule_entry(one, known=one.to in known) for one in read.rules],
        )
        return jsonify(answer.model_dump(mode="json"))

    return routes
