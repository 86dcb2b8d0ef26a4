"""`/api/v1/modalities`."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy import select

from cdss_api import modalities
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.models import Modality
from cdss_api.accounts.recording import Action
from cdss_api.accounts.shapes import Issuer
from cdss_api.input import Input
from cdss_api.service import Service
from neuronova.contract.grants import Operation
from neuronova.contract.modalities import AE_TITLE
from neuronova.contract.roles import Permission
from neuronova.web.problems import NOTHING, Problem


def _address(text: str) -> str:
    # Orthanc compares it with the address that an association comes from.
    return str(ip_address(text))


Title = Annotated[str, StringConstraints(pattern=f"^{AE_TITLE}$")]
Host = Annotated[str, StringConstraints(min_length=2, max_length=45), AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class TitlePath(Input):
    """Which modality."""

    title: Title


class ModalityBody(Input):
    """Where it is and what it may do; `issuer` is that of the PatientIDs it sends without one."""

    host: Host
    port: Port = 104
    operations: Annotated[list[Operation], Field(max_length=len(Operation), default_factory=lambda: [Operation.STORE])]
    issuer: Issuer = ""


class ModalityEntry(BaseModel):
    """A modality."""

    title: str
    host: str
    port: int
    operations: list[Operation]
    issuer: str


class EchoAnswer(BaseModel):
    """That a modality answered a C-ECHO, and how long it took."""

    seconds: float


class ModalitiesAnswer(BaseModel):
    """The table."""

    modalities: list[ModalityEntry]


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("modalities", "/api/v1/modalities", tag="modalities")
    guarded = requires(service, Permission.MODALITIES_MANAGE)

    @routes.get("", responses={"200": ModalitiesAnswer})
    @guarded
    def show() -> Response:
        """List the modalities that Orthanc answers."""
        with service.database.reading() as session:
            found = [entry(one) for one in session.scalars(select(Modality).order_by(Modality.title))]
        return jsonify(ModalitiesAnswer(modalities=found).model_dump(mode="json"))

    @routes.put("/<title>", responses={"200": ModalityEntry})
    @guarded
    def put(path: TitlePath, body: ModalityBody) -> Response:
        """Add a modality, or replace what was known of it."""
        with service.work(bearer().actor) as work:
            modality = modalities.put(
                work,
                title=path.title,
                host=body.host,
                port=body.port,
                operations=body.operations,
                issuer=body.issuer or None,
            )
            return jsonify(entry(modality).model_dump(mode="json"))

    @routes.post("/<title>/echo", responses={"200": EchoAnswer})
    @guarded
    def ask(path: TitlePath) -> Response:
        """Ask a modality whether it answers (C-ECHO, PS3.4 Annex A)."""
        from cdss_api.modalities.echo import NoAnswer, echo

        with service.work(bearer().actor) as work:
            known = work.session.get(Modality, path.title)
            if known is None:
                raise Problem(404, "no_such_modality", "There is no such modality.")
            work.record(Action.MODALITY_ECHO, title=path.title, host=known.host)
            host, port = known.host, known.port
        try:
            return jsonify({"seconds": echo(service.settings.aet, path.title, host, port)})
        except NoAnswer as why:
            raise Problem(502, "no_answer", f"{path.title} {why}.") from None

    @routes.delete("/<title>", responses=NOTHING)
    @guarded
    def remove(path: TitlePath) -> Response:
        """Refuse a modality from now on."""
        with service.work(bearer().actor) as work:
            if not modalities.remove(work, path.title):
                raise Problem(404, "no_such_modality", "There is no such modality.")
        return Response(status=204)

    return routes


def entry(modality: Modality) -> ModalityEntry:
    """Return a modality as the API shows it."""
    return ModalityEntry(
        title=modality.title,
        host=modality.host,
        port=modality.port,
        operations=[Operation(name) for name in modality.operations],
        issuer=modality.issuer or "",
    )
