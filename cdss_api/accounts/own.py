"""`/api/v1/auth/totp`, `../password`, `../language`: what one changes of one's own account."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint

from cdss_api.accounts import one_time, people
from cdss_api.accounts.bearer import bearer, guarded_routes, requires
from cdss_api.accounts.cookies import give_language
from cdss_api.accounts.limits import PER_ACCOUNT, Guesses, Limit, is_problem
from cdss_api.accounts.models import Account
from cdss_api.accounts.shapes import CodeBody, LanguageBody, OneTimeAnswer, PasswordBody
from cdss_api.accounts.work import Work
from cdss_api.service import Service
from neuronova.web.problems import NOTHING, Problem


def blueprint(service: Service, guesses: Guesses) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("own", "/api/v1/auth", tag="auth")

    _one_time(routes, service, guesses)
    _password(routes, service, guesses)
    _language(routes, service)
    return routes


def _one_time(routes: APIBlueprint, service: Service, guesses: Guesses) -> None:
    @routes.post("/totp", responses={"200": OneTimeAnswer})
    @requires(service)
    def begin() -> Response:
        """Begin with one-time passwords (RFC 6238): the secret for an authenticator, to be confirmed by a code."""
        with service.work(bearer().actor) as work:
            account = _own(work)
            if account.totp_confirmed:
                raise Problem(409, "totp_enabled", "One-time passwords are in use already.")
            secret = one_time.new_secret()
            people.set_one_time(work, account, secret, confirmed=False)
            answer = OneTimeAnswer(secret=secret, uri=one_time.address(secret, account.username))
        return jsonify(answer.model_dump())

    @routes.post("/totp/confirm", responses=NOTHING)
    @requires(service)
    def confirm(body: CodeBody) -> Response:
        """Ask for one-time passwords from the next login on."""
        with _guessing(guesses), service.work(bearer().actor) as work:
            account = _own(work)
            if account.totp_secret is None or account.totp_confirmed:
                raise Problem(409, "totp_not_begun", "There is nothing to confirm.")
            _use(work, account, body.otp)
            people.set_one_time(work, account, account.totp_secret, confirmed=True)
        return Response(status=204)

    @routes.post("/totp/disable", responses=NOTHING)
    @requires(service)
    def disable(body: CodeBody) -> Response:
        """Ask for one-time passwords no more."""
        with _guessing(guesses), service.work(bearer().actor) as work:
            account = _own(work)
            if not account.totp_confirmed:
                raise Problem(409, "totp_not_enabled", "One-time passwords are not in use.")
            _use(work, account, body.otp)
            people.set_one_time(work, account, None, confirmed=False)
        return Response(status=204)


def _password(routes: APIBlueprint, service: Service, guesses: Guesses) -> None:
    @routes.post("/password", responses=NOTHING)
    @requires(service)
    def password(body: PasswordBody) -> Response:
        """Change the password; every other login ends."""
        claims = bearer().claims
        with service.database.reading() as session:
            account = session.get(Account, claims.subject)
        with _guessing(guesses):
            if not service.passwords.match(account.password_hash if account else None, body.old):
                raise Problem(403, "invalid_credentials", "The old password is wrong.")
        hashed = service.passwords.hash(body.new)
        with service.work(bearer().actor) as work:
            people.set_password(work, _own(work), hashed, keep_login=claims.session)
        return Response(status=204)


def _language(routes: APIBlueprint, service: Service) -> None:
    @routes.put("/language", responses=NOTHING)
    @requires(service)
    def language(body: LanguageBody) -> Response:
        """Choose the language of pages."""
        with service.work(bearer().actor) as work:
            people.set_language(work, _own(work), body.language)
        response = Response(status=204)
        if body.language is not None:
            give_language(response, body.language, service.settings)
        return response


def _guessing(guesses: Guesses) -> AbstractContextManager[None]:
    """Count what whoever asks gets wrong of their own account."""
    return guesses.counted(Limit("own", bearer().claims.subject, PER_ACCOUNT), wrong=is_problem(403))


def _own(work: Work) -> Account:
    account = work.session.get(Account, work.actor.subject)
    if account is None:
        raise Problem(403, "no_account", "A service has no account.")
    return account


def _use(work: Work, account: Account, code: str) -> None:
    if not one_time.use(work, account, code):
        raise Problem(403, "invalid_code", "The one-time password is wrong or was used already.")
