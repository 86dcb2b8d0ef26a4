"""`/api/v1/clients` for admins, and the token endpoint for the clients themselves."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint
from flask_openapi3.models import Tag
from flask_openapi3.types import ResponseDict

from cdss_api.accounts.bearer import bearer, client_address, guarded_routes, requires
from cdss_api.accounts.limits import Guesses, of_address
from cdss_api.accounts.people import Odd, Taken
from cdss_api.clients import registry
from cdss_api.clients.keys import FetchedKeys, read_keys
from cdss_api.clients.models import Client
from cdss_api.clients.shapes import (
    ClientBody,
    ClientChangeBody,
    ClientEntry,
    ClientPath,
    ClientsAnswer,
    GrantedAnswer,
    OAuthError,
    TokenForm,
)
from cdss_api.clients.tokens import Refusal, grant
from cdss_api.service import Service
from neuronova.contract.roles import Permission
from neuronova.web.problems import Problem

_BEARER = "bearer"
_OAUTH_ERRORS: ResponseDict = {
    "4XX": {
        "description": "An error of OAuth (RFC 6749 5.2), or a problem (RFC 9457)",
        "content": {
            "application/json": {"schema": OAuthError.model_json_schema()},
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}},
        },
    }
}
# RFC 9110 15.5.2: whoever answers 401 says how to do better; the assertion itself is in the body.
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="neuronova"', "Pragma": "no-cache"}


def token_blueprint(service: Service, guesses: Guesses) -> APIBlueprint:
    """Return the token endpoint."""
    routes = APIBlueprint("token", __name__, url_prefix="/api/v1/auth", abp_tags=[Tag(name="clients")])
    fetched = FetchedKeys(service.now)

    @routes.post("/token", responses={"200": GrantedAnswer, **_OAUTH_ERRORS})
    def token(form: TokenForm) -> Response:
        """Give a registered client an access token (SMART Backend Services)."""
        given = request.form.to_dict(flat=False)
        try:
            if any(len(values) > 1 for values in given.values()):
                raise Refusal("invalid_request", "A parameter is given once.")  # RFC 6749 3.2
            address = client_address()
            with guesses.counted(of_address("token", address), wrong=_is_unauthorized):
                granted = grant(service, fetched, {name: values[0] for name, values in given.items()}, address)
        except Refusal as refusal:
            return _refused(refusal)
        answer = GrantedAnswer(
            access_token=granted.token, token_type=_BEARER, expires_in=registry.LIFETIME, scope=granted.scope
        )
        response = jsonify(answer.model_dump())
        response.headers["Pragma"] = "no-cache"  # RFC 6749 5.1
        return response

    return routes


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes of those who manage clients."""
    routes = guarded_routes("clients", "/api/v1/clients", tag="clients")
    guarded = requires(service, Permission.USERS_MANAGE)

    @routes.get("", responses={"200": ClientsAnswer})
    @guarded
    def show() -> Response:
        """List the clients."""
        with service.database.reading() as session:
            found = [entry(one) for one in registry.every(session)]
        return jsonify(ClientsAnswer(clients=found).model_dump(mode="json"))

    @routes.post("", responses={"201": ClientEntry})
    @guarded
    def add(body: ClientBody) -> Response:
        """Register a client, by the address of its keys or by the keys themselves."""
        with _checked(), service.work(bearer().actor) as work:
            client = registry.add(work, name=body.name, scopes=body.scopes, jwks_url=body.jwks_url, jwks=body.jwks)
            answer = jsonify(entry(client).model_dump(mode="json"))
        answer.status_code = 201
        return answer

    @routes.patch("/<client_id>", responses={"200": ClientEntry})
    @guarded
    def change(path: ClientPath, body: ClientChangeBody) -> Response:
        """Disable or enable a client, or give it other scopes; the tokens that it has end."""
        with _checked(), service.work(bearer().actor) as work:
            client = work.session.get(Client, path.client_id)
            if client is None:
                raise Problem(404, "no_such_client", "There is no such client.")
            registry.change(work, client, enabled=body.enabled, scopes=body.scopes)
            return jsonify(entry(client).model_dump(mode="json"))

    return routes


def entry(client: Client) -> ClientEntry:
    """Return a client as the API shows it."""
    return ClientEntry(
        client_id=client.client_id,
        name=client.name,
        scopes=client.scopes,
        jwks_url=client.jwks_url,
        keys=[] if client.jwks is None else [key.key_id for key in read_keys(client.jwks)],
        enabled=client.enabled,
        created_at=datetime.fromtimestamp(client.created_at, UTC).isoformat(),
    )


class _checked:  # noqa: N801 - reads as a word
    """Answers what is odd about a client as a problem."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Taken):
            raise Problem(409, "name_taken", f"{error}.".capitalize()) from None
        if isinstance(error, Odd):
            raise Problem(422, "invalid_input", f"{error}.".capitalize()) from None


def _is_unauthorized(error: Exception) -> bool:
    return isinstance(error, Refusal) and error.code == "invalid_client"


def _refused(refusal: Refusal) -> Response:
    response = jsonify(OAuthError(error=refusal.code, error_description=str(refusal)).model_dump())
    response.status_code = 401 if _is_unauthorized(refusal) else 400
    response.headers.extend(_CHALLENGE if response.status_code == 401 else {"Pragma": "no-cache"})
    return response
