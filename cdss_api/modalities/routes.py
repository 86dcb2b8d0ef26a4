"""`/api/v1/modalities`."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy import select

from cdss_api import modalities
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.changes import told
from cdss_api.accounts.models import Modality
from cdss_api.accounts.recording import Action
from cdss_api.accounts.shapes import Issuer
from cdss_api.input import Input
from cdss_api.modalities.received import received_by
from cdss_api.modalities.secured import MISSING, may_be_called
from cdss_api.service import Service
from neuronova.contract.grants import ModalityChange, Operation
from neuronova.contract.modalities import AE_TITLE
from neuronova.contract.roles import Permission
from neuronova.web.problems import NOTHING, Problem


def _address(text: str) -> str:
    # Orthanc compares it with the address that an association comes from.
    return str(ip_address(text))


Title = Annotated[str, StringConstraints(pattern=f"^{AE_TITLE}$")]
Host = Annotated[str, StringConstraints(min_length=2, max_length=45), AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
MOST_MIB = 1 << 30  # of a day: a PiB


class TitlePath(Input):
    """Which modality."""

    title: Title


class ModalityBody(Input):
    """Where it is and what it may do; `issuer` is that of the PatientIDs it sends without one.

    With `tls` it is called by TLS (PS3.15 B.1), with the platform's own certificate for DICOM. Once it has stored
    `daily_mib` in a day, it is refused (0xA700) until the next; without, never.
    """

    host: Host
    port: Port = 104
    operations: Annotated[list[Operation], Field(max_length=len(Operation), default_factory=lambda: [Operation.STORE])]
    issuer: Issuer = ""
    tls: bool = False
    daily_mib: Annotated[int, Field(ge=1, le=MOST_MIB)] | None = None


class ModalityEntry(BaseModel):
    """A modality; `received_today` are its bytes since midnight, null where Orthanc does not answer."""

    title: str
    host: str
    port: int
    operations: list[Operation]
    issuer: str
    tls: bool
    daily_mib: int | None
    received_today: int | None


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
    today = received_by(service)

    @routes.get("", responses={"200": ModalitiesAnswer})
    @guarded
    def show() -> Response:
        """List the modalities that Orthanc answers."""
        received = today()
        with service.database.reading() as session:
            found = [entry(one, received) for one in session.scalars(select(Modality).order_by(Modality.title))]
        return jsonify(ModalitiesAnswer(modalities=found).model_dump(mode="json"))

    @routes.put("/<title>", responses={"200": ModalityEntry})
    @guarded
    def put(path: TitlePath, body: ModalityBody) -> Response:
        """Add a modality, or replace what was known of it."""
        if not may_be_called(service.settings, tls=body.tls):
            raise Problem(422, "no_certificate", f"{path.title} {MISSING}.")
        received = today()
        with service.work(bearer().actor) as work:
            modality = modalities.put(work, described(path.title, body))
            return jsonify(entry(modality, received).model_dump(mode="json"))

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
            whom = told(known)
        try:
            return jsonify({"seconds": echo(service.settings, whom)})
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


def described(title: str, body: ModalityBody) -> ModalityChange:
    """Return a modality as it is to be."""
    return ModalityChange(
        title=title,
        host=body.host,
        port=body.port,
        operations=tuple(body.operations),
        issuer=body.issuer or None,
        tls=body.tls,
        daily_mib=body.daily_mib,
    )


def entry(modality: Modality, received: Mapping[str, int] | None) -> ModalityEntry:
    """Return a modality as the API shows it, with what of the bytes `received` today is its own."""
    return ModalityEntry(
        title=modality.title,
        host=modality.host,
        port=modality.port,
        operations=[Operation(name) for name in modality.operations],
        issuer=modality.issuer or "",
        tls=modality.tls,
        daily_mib=modality.daily_mib,
        received_today=None if received is None else received.get(modality.title, 0),
    )
