"""`/api/v1/links`: study links made, listed and taken back."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint

from cdss_api.accounts import links
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.models import Link
from cdss_api.accounts.shapes_access import LinkBody, LinkEntry, LinkPath, LinksAnswer, NewLinkAnswer
from cdss_api.accounts.shapes_people import instant
from cdss_api.service import Service
from neuronova.contract.roles import Permission, Role
from neuronova.web.problems import NOTHING, Problem


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("links", "/api/v1/links", tag="links")
    guarded = requires(service, Permission.LINKS_MANAGE)

    @routes.post("", responses={"201": NewLinkAnswer})
    @guarded
    def make(body: LinkBody) -> tuple[Response, int]:
        """Make a link to studies; its token is shown this once, and sees what its maker may see of them."""
        claims = bearer().claims
        if body.store and Permission.IMAGES_STORE not in claims.permissions:
            raise Problem(403, "forbidden", "Only who may store can let others store.")
        with service.work(bearer().actor) as work:
            link, token = links.make(
                work,
                service.keyring,
                role=claims.role,
                studies=body.studies,
                may_store=body.store,
                expires_in=body.expires_in,
            )
            query = urlencode({"StudyInstanceUIDs": ",".join(link.studies), "token": token}, safe=",")
            answer = NewLinkAnswer(id=link.link_id, token=token, url=f"/viewer?{query}")
        return jsonify(answer.model_dump()), 201

    @routes.get("", responses={"200": LinksAnswer})
    @guarded
    def show() -> Response:
        """List the links that hold: one's own, or everybody's for an administrator."""
        with service.database.reading() as session:
            found = links.current(session, service.now(), _maker())
            answer = LinksAnswer(links=[_entry(link) for link in found])
        return jsonify(answer.model_dump())

    @routes.delete("/<link_id>", responses=NOTHING)
    @guarded
    def revoke(path: LinkPath) -> Response:
        """Take a link back; its token is refused from now on."""
        with service.work(bearer().actor) as work:
            link = work.session.get(Link, path.link_id)
            if link is None or _maker() not in (None, link.account_id):
                raise Problem(404, "no_such_link", "There is no such link.")
            links.revoke(work, link)
        return Response(status=204)

    return routes


def _maker() -> str | None:
    claims = bearer().claims
    return None if claims.role is Role.ADMIN else claims.subject


def _entry(link: Link) -> LinkEntry:
    return LinkEntry(
        id=link.link_id,
        account=link.account_id,
        studies=link.studies,
        store=link.may_store,
        created_at=instant(link.created_at),
        expires_at=instant(link.expires_at),
    )
