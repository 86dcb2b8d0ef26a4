"""`/api/v1/fhir`: the RESTful interface (FHIR R4 3.1.0). Every error is an OperationOutcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from cdss_api.accounts.bearer import Bearer, authenticate
from cdss_api.accounts.work import Work
from cdss_api.clients.tokens import endpoint
from cdss_api.consequences import follow
from cdss_api.database import whole
from cdss_api.fhir.auditing import Access, patient_of
from cdss_api.fhir.capability import capability
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.document import Document, Unreadable, read, write
from cdss_api.fhir.interactions import Interactions, Reply
from cdss_api.fhir.moment import micros_of
from cdss_api.fhir.outcome import Refused, outcome
from cdss_api.fhir.smart import smart
from cdss_api.fhir.store import Store
from cdss_api.fhir.transaction import carry_out
from cdss_api.merging import operation
from cdss_api.service import Service
from cdss_api.without_database import without_database
from neuronova.audit.files import JournalFailed
from neuronova.contract.audit import Action

ROOT = "/api/v1/fhir"
MEDIA_TYPE = "application/fhir+json"
LARGEST_BODY = 16 << 20
_JSON = ("application/fhir+json", "application/json", "json", "text/json")
_PATCH = "application/json-patch+json"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_HIDING = (403, 404)

Act = Callable[[Interactions], Reply]


def blueprint(service: Service) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("fhir", __name__, url_prefix=ROOT)
    interface = Interface(service)
    routes.before_request(_prepare)
    routes.register_error_handler(Refused, _refused)
    routes.register_error_handler(HTTPException, _http)
    routes.register_error_handler(IntegrityError, _raced)
    routes.register_error_handler(JournalFailed, _unrecorded)
    routes.register_error_handler(OperationalError, _without_database)
    routes.register_error_handler(RecursionError, _nested)
    routes.register_error_handler(Exception, _unexpected)
    _read_routes(routes, interface)
    _operation_routes(routes, interface)
    operation.register(routes, service)
    _write_routes(routes, interface)
    routes.route("/", defaults={"rest": ""}, methods=("GET", "PUT", "PATCH", "DELETE"), strict_slashes=False)(_unknown)
    routes.route("/<path:rest>", methods=_METHODS)(_unknown)
    return routes


class Interface:
    """Carries out one request: who asks, in which transaction, and with its audit record."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def answer(self, action: Action, act: Act, *, writing: bool = False) -> Response:
        """Answer a request by `act`; where its transaction met another, it is done again."""
        bearer = _bearer(self.service)
        database = self.service.database

        def unit() -> Response:
            with database.writing() if writing else database.reading() as session:
                return self._answer(session, bearer, action, act)

        return whole(unit)

    def _answer(self, session: Session, bearer: Bearer, action: Action, act: Act) -> Response:
        """Carry it out; what is recorded is recorded when all is written, before the transaction ends."""
        now = self.service.now()
        access = Access(actor=bearer.actor, action=action, route=f"{request.method} {request.path}"[:200], time=now)
        seen = Compartments(
            account=bearer.claims.subject,
            role=bearer.claims.role,
            now=now,
            recent=86400.0 * self.service.settings.recent_days,
        )
        store = Store(session, seen, bearer.claims.subject, micros_of(now))
        try:
            reply = act(Interactions(store, bearer.claims, _base(self.service), strict=_is_strict()))
        except Refused as refused:
            if refused.status in _HIDING:
                access.denied(self.service.accesses, refused.issues[0].code)
            raise
        follow(self.service, Work(session, now, bearer.actor, self.service.record), store)
        for touch in reply.touched:
            about = patient_of(session, touch.stored.kind, touch.stored.id)
            replace(access, action=touch.action).allowed(self.service.accesses, about, reply.status)
        if not reply.touched:
            access.allowed(self.service.accesses, None, reply.status)
        return _response(reply)


def _read_routes(routes: Blueprint, interface: Interface) -> None:
    @routes.get("/<kind>/<id_>")
    def read_one(kind: str, id_: str) -> Response:
        return interface.answer(Action.READ, lambda to: to.read(kind, id_))

    @routes.get("/<kind>/<id_>/_history/<version>")
    def vread(kind: str, id_: str, version: str) -> Response:
        return interface.answer(Action.READ, lambda to: to.vread(kind, id_, version))

    @routes.get("/<kind>/<id_>/_history")
    def history(kind: str, id_: str) -> Response:
        return interface.answer(Action.READ, lambda to: to.history(kind, id_, _pairs()))

    @routes.get("/<kind>/_history")
    def type_history(kind: str) -> Response:
        return interface.answer(Action.QUERY, lambda to: to.history(kind, None, _pairs()))

    @routes.get("/<kind>")
    def search(kind: str) -> Response:
        return interface.answer(Action.QUERY, lambda to: to.search(kind, _pairs()))

    @routes.post("/<kind>/_search")
    def search_by_post(kind: str) -> Response:
        form = parse_qsl(request.get_data(as_text=True), keep_blank_values=True)
        return interface.answer(Action.QUERY, lambda to: to.search(kind, [*_pairs(), *form]))


def _operation_routes(routes: Blueprint, interface: Interface) -> None:
    @routes.get("/metadata")
    def metadata() -> Response:
        statement = capability(_base(interface.service), endpoint(interface.service))
        return Response(write(statement), content_type=MEDIA_TYPE)

    @routes.get("/.well-known/smart-configuration")
    def smart_configuration() -> Response:
        return Response(write(smart(interface.service)), content_type="application/json")

    @routes.get("/Patient/<id_>/$everything")
    def everything(id_: str) -> Response:
        return interface.answer(Action.READ, lambda to: to.everything(id_, _pairs()))

    @routes.post("/<kind>/$validate")
    def validate(kind: str) -> Response:
        document = _document()
        return interface.answer(Action.QUERY, lambda to: to.validate(kind, None, document, _pairs()))

    @routes.post("/<kind>/<id_>/$validate")
    def validate_one(kind: str, id_: str) -> Response:
        document = _document()
        return interface.answer(Action.READ, lambda to: to.validate(kind, id_, document, _pairs()))


def _write_routes(routes: Blueprint, interface: Interface) -> None:
    @routes.post("/", strict_slashes=False)
    def bundle() -> Response:
        document, representation = _document(), "return=representation" in request.headers.get("Prefer", "")
        return interface.answer(
            Action.STORE, lambda to: carry_out(to, document, representation=representation), writing=True
        )

    @routes.post("/<kind>")
    def create(kind: str) -> Response:
        document = _document()
        condition = request.headers.get("If-None-Exist")
        return interface.answer(Action.STORE, lambda to: to.create(kind, document, condition), writing=True)

    @routes.put("/<kind>/<id_>")
    def update(kind: str, id_: str) -> Response:
        document, match = _document(), request.headers.get("If-Match")
        return interface.answer(Action.STORE, lambda to: to.update(kind, id_, document, match), writing=True)

    @routes.put("/<kind>")
    def conditional_update(kind: str) -> Response:
        document, match = _document(), request.headers.get("If-Match")
        return interface.answer(
            Action.STORE, lambda to: to.conditional_update(kind, _pairs(), document, match), writing=True
        )

    @routes.patch("/<kind>/<id_>")
    def patch(kind: str, id_: str) -> Response:
        operations, match = _operations(), request.headers.get("If-Match")
        return interface.answer(Action.STORE, lambda to: to.patch(kind, id_, operations, match), writing=True)

    @routes.delete("/<kind>/<id_>")
    def delete(kind: str, id_: str) -> Response:
        match = request.headers.get("If-Match")
        return interface.answer(Action.DELETE, lambda to: to.delete(kind, id_, match), writing=True)

    @routes.delete("/<kind>")
    def conditional_delete(kind: str) -> Response:
        return interface.answer(Action.DELETE, lambda to: to.conditional_delete(kind, _pairs()), writing=True)


def _unknown(rest: str) -> Response:
    raise Refused(404, "not-supported", f"{request.method} /{rest[:100]} is no interaction of this interface.")


def _prepare() -> None:
    request.max_content_length = LARGEST_BODY
    wanted = request.args.get("_format")
    if wanted is not None and wanted.partition(";")[0].strip() not in _JSON:
        raise Refused(406, "not-supported", "Answers are given as JSON only.")


def _bearer(service: Service) -> Bearer:
    bearer = authenticate(service, request)
    if bearer.claims.studies is not None:
        raise Refused(403, "forbidden", "This token is for named studies only.")
    return bearer


def _pairs() -> list[tuple[str, str]]:
    return parse_qsl(request.query_string.decode("utf-8", "replace"), keep_blank_values=True)


def _document() -> Document:
    if request.mimetype not in _JSON:
        raise Refused(415, "not-supported", f"A resource is sent as {MEDIA_TYPE}.")
    try:
        return read(request.get_data())
    except Unreadable as odd:
        raise Refused(400, "structure", f"The body is no resource: {odd}."[:500]) from None


def _operations() -> Any:
    if request.mimetype != _PATCH:
        raise Refused(415, "not-supported", f"A patch is sent as {_PATCH}.")
    try:
        return read(b'{"patch":' + request.get_data() + b"}")["patch"]
    except (Unreadable, KeyError) as odd:
        raise Refused(400, "structure", f"The body is no JSON Patch: {odd}."[:500]) from None


def _is_strict() -> bool:
    return "handling=strict" in request.headers.get("Prefer", "").replace(" ", "").split(",")


def _base(service: Service) -> str:
    public = service.settings.public_url
    return f"{public or request.host_url.rstrip('/')}{ROOT}"


def _response(reply: Reply) -> Response:
    headers = dict(reply.headers)
    stored = reply.stored
    if reply.status == 204:
        return Response(status=204, headers=headers)
    if stored is not None:
        if request.method in ("GET", "HEAD") and request.headers.get("If-None-Match") == stored.etag:
            return Response(status=304, headers=headers)
        if request.method != "GET" and "return=minimal" in request.headers.get("Prefer", ""):
            return Response(status=reply.status, headers=headers)
        return Response(stored.body, reply.status, headers, content_type=MEDIA_TYPE)
    return Response(write(reply.body or {}), reply.status, headers, content_type=MEDIA_TYPE)


def _refused(refused: Refused) -> Response:
    body = write(outcome(refused.issues))
    return Response(body, refused.status, refused.headers, content_type=MEDIA_TYPE)


def _http(error: HTTPException) -> Response:
    codes = {401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 413: "too-long"}
    status = error.code or 500
    told = Refused(status, codes.get(status, "processing"), error.description or error.name)
    told.headers.update(getattr(error, "headers", {}))
    return _refused(told)


def _raced(_error: IntegrityError) -> Response:
    return _refused(Refused(409, "conflict", "Somebody else wrote the same at this moment; try again."))


def _without_database(error: OperationalError) -> Response:
    told = without_database(error)
    return _refused(Refused(503, "transient", str(told.description), headers=told.headers))


def _nested(_error: RecursionError) -> Response:
    return _refused(Refused(400, "structure", "The input is nested too deeply."))


def _unexpected(error: Exception) -> Response:
    current_app.logger.error("unexpected error", exc_info=error)
    return _refused(Refused(500, "exception", "The service failed; its log says why."))


def _unrecorded(_error: JournalFailed) -> Response:
    return _refused(Refused(503, "transient", "Accesses cannot be recorded at the moment, so none is allowed."))
