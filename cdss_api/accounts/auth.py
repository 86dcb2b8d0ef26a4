"""`/api/v1/auth`: login, refresh, logout, and one's own account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint
from flask_openapi3.models import Tag

from cdss_api.accounts import logins
from cdss_api.accounts.bearer import SECURITY, authenticate, bearer, client_address, requires
from cdss_api.accounts.cookies import REFRESH_COOKIE, clear_cookies, give_cookies
from cdss_api.accounts.languages import Language
from cdss_api.accounts.limits import Guesses, of_address, of_username
from cdss_api.accounts.logging_in import enter, log_in
from cdss_api.accounts.models import Account
from cdss_api.accounts.outside import Provider
from cdss_api.accounts.recording import Actor
from cdss_api.accounts.shapes import LoginBody, MeAnswer, OutsideTokenBody, TokenBody, TokensAnswer
from cdss_api.service import Service
from neuronova.contract.token import LIFETIME
from neuronova.web.problems import ERRORS, NOTHING, Problem


def blueprint(service: Service, guesses: Guesses) -> APIBlueprint:
    """Return the routes."""
    routes = APIBlueprint(
        "auth", __name__, url_prefix="/api/v1/auth", abp_tags=[Tag(name="auth")], abp_responses=ERRORS
    )

    @routes.post("/login", responses={"200": TokensAnswer})
    def login(body: LoginBody) -> Response:
        """Log in by password, and one-time password where the account has one."""
        address = client_address()
        with guesses.counted(of_address("login", address), of_username("login", body.username)):
            tokens = log_in(service, body.username, body.password, body.otp, address)
        return answer_tokens(service, tokens)

    @routes.post("/refresh", responses={"200": TokensAnswer})
    def refresh(body: TokenBody) -> Response:
        """Exchange a refresh token, of the body or the cookie, for new tokens; it can be used once (RFC 6749 6)."""
        token = body.refresh_token or request.cookies.get(REFRESH_COOKIE)
        if not token:
            raise Problem(401, "refresh_missing", "This needs a refresh token.", _CHALLENGE)
        with service.work(Actor(subject="", address=client_address())) as work:
            tokens = logins.refresh(work, service.keyring, token)
        if tokens is None:
            raise Problem(401, "refresh_invalid", "The refresh token does not hold; log in again.", _CHALLENGE)
        return answer_tokens(service, tokens)

    @routes.post("/logout", responses=NOTHING)
    def logout(body: TokenBody) -> Response:
        """End the login of the refresh token or the access token, and take the cookies away."""
        actor, login_id = _who_leaves(service)
        token = body.refresh_token or request.cookies.get(REFRESH_COOKIE)
        with service.work(actor) as work:
            logins.log_out(work, token=token, login_id=login_id)
        response = Response(status=204)
        clear_cookies(response, service.settings)
        return response

    provider = Provider(service.settings) if service.settings.oidc_issuer else None

    @routes.post("/exchange", responses={"200": TokensAnswer})
    def exchange(body: OutsideTokenBody) -> Response:
        """Exchange a token of the trusted identity provider for ours (in the manner of RFC 8693)."""
        if provider is None:
            raise Problem(404, "no_provider", "No identity provider is trusted here.")
        address = client_address()
        with guesses.counted(of_address("exchange", address)):
            tokens = enter(service, provider, body.token, address)
        return answer_tokens(service, tokens)

    @routes.get("/me", responses={"200": MeAnswer}, security=SECURITY)
    @requires(service, whole=False)
    def me() -> Response:
        """Whose token it is, and what it allows."""
        return jsonify(_about_me(service))

    return routes


_BEARER = "Bearer"
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="neuronova"'}


def answer_tokens(service: Service, tokens: logins.Tokens) -> Response:
    """Answer the tokens in the body and in cookies."""
    answer = TokensAnswer(
        access_token=tokens.access, refresh_token=tokens.refresh, token_type=_BEARER, expires_in=LIFETIME
    )
    response = jsonify(answer.model_dump())
    give_cookies(response, tokens, service.settings)
    return response


def _who_leaves(service: Service) -> tuple[Actor, str | None]:
    try:
        found = authenticate(service, request)
    except Problem:
        return Actor(subject="", address=client_address()), None
    narrow = found.claims.studies is not None  # a link is revoked, not logged out
    return found.actor, None if narrow else found.claims.session


def _about_me(service: Service) -> dict[str, Any]:
    claims = bearer().claims
    with service.database.reading() as session:
        account = session.get(Account, claims.subject)
    return MeAnswer(
        account=claims.subject,
        username=account.username if account else claims.subject,
        display_name=account.display_name if account else "",
        role=claims.role,
        permissions=sorted(claims.permissions),
        one_time_password=bool(account and account.totp_confirmed),
        language=Language(account.language) if account and account.language else None,
        studies=None if claims.studies is None else sorted(claims.studies),
        expires_at=datetime.fromtimestamp(claims.expires_at, UTC).isoformat(),
    ).model_dump(mode="json")
