"""`/api/v1/users`: accounts, for those who manage them."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint
from sqlalchemy.orm import Session

from cdss_api.accounts import people
from cdss_api.accounts.bearer import Guard, bearer, guarded_routes, requires
from cdss_api.accounts.listing import counted, listed
from cdss_api.accounts.models import Account
from cdss_api.accounts.shapes_people import (
    NewPasswordBody,
    NewUserBody,
    UserAnswer,
    UserChangeBody,
    UserPath,
    UsersAnswer,
    UsersQuery,
    user_answer,
)
from cdss_api.service import Service
from neuronova.contract.roles import Permission
from neuronova.web.problems import NOTHING, Problem


def blueprint(service: Service) -> APIBlueprint:
    """Return the routes."""
    routes = guarded_routes("users", "/api/v1/users", tag="users")
    guarded = requires(service, Permission.USERS_MANAGE)
    _show(routes, service, guarded)
    _change(routes, service, guarded)
    _credentials(routes, service, guarded)
    return routes


def _show(routes: APIBlueprint, service: Service, guarded: Guard) -> None:
    @routes.get("", responses={"200": UsersAnswer})
    @guarded
    def show(query: UsersQuery) -> Response:
        """List the accounts in the order of their names; `after` is the last name of the page before."""
        with service.database.reading() as session:
            found = listed(session, query)
            grants = counted(session, [account.account_id for account in found], service.now())
            return jsonify({"users": [user_answer(account, grants[account.account_id]) for account in found]})

    @routes.get("/<account_id>", responses={"200": UserAnswer})
    @guarded
    def one(path: UserPath) -> Response:
        """Tell of an account."""
        with service.database.reading() as session:
            return jsonify(_answer(session, account_of(session, path.account_id), service.now()))


def _change(routes: APIBlueprint, service: Service, guarded: Guard) -> None:
    @routes.post("", responses={"201": UserAnswer})
    @guarded
    def add(body: NewUserBody) -> tuple[Response, int]:
        """Make an account."""
        hashed = service.passwords.hash(body.password)
        with service.work(bearer().actor) as work:
            try:
                account = people.add(
                    work,
                    username=body.username,
                    role=body.role,
                    password_hash=hashed,
                    display_name=body.display_name,
                    patient=body.whose(),
                )
            except people.Odd as odd:
                raise refused(odd) from None
            return jsonify(_answer(work.session, account, work.now)), 201

    @routes.patch("/<account_id>", responses={"200": UserAnswer})
    @guarded
    def change(path: UserPath, body: UserChangeBody) -> Response:
        """Change an account; another role, or being disabled, ends its logins at once."""
        with service.work(bearer().actor) as work:
            account = account_of(work.session, path.account_id)
            try:
                people.change(
                    work,
                    account,
                    display_name=body.display_name,
                    role=body.role,
                    enabled=body.enabled,
                    patient=body.whose(),
                )
            except people.Odd as odd:
                raise refused(odd) from None
            return jsonify(_answer(work.session, account, work.now))


def _credentials(routes: APIBlueprint, service: Service, guarded: Guard) -> None:
    @routes.post("/<account_id>/password", responses=NOTHING)
    @guarded
    def password(path: UserPath, body: NewPasswordBody) -> Response:
        """Replace a forgotten password; the account's logins end."""
        hashed = service.passwords.hash(body.password)
        with service.work(bearer().actor) as work:
            account = account_of(work.session, path.account_id)
            if account.username.startswith(people.OUTSIDE):
                raise Problem(409, "outside_account", "An identity provider vouches for this account.")
            people.set_password(work, account, hashed)
        return Response(status=204)

    @routes.delete("/<account_id>/totp", responses=NOTHING)
    @guarded
    def without_totp(path: UserPath) -> Response:
        """Ask for no more one-time passwords: the telephone is lost."""
        with service.work(bearer().actor) as work:
            people.set_one_time(work, account_of(work.session, path.account_id), None, confirmed=False)
        return Response(status=204)


def account_of(session: Session, account_id: str) -> Account:
    """Return an account, or answer that there is none."""
    account = session.get(Account, account_id)
    if account is None:
        raise Problem(404, "no_such_user", "There is no such account.")
    return account


def _answer(session: Session, account: Account, now: float) -> dict[str, object]:
    return user_answer(account, counted(session, [account.account_id], now)[account.account_id])


def refused(odd: people.Odd) -> Problem:
    """Return why an account cannot be so."""
    code = "username_taken" if isinstance(odd, people.Taken) else "impossible_account"
    return Problem(409, code, f"{odd}.".capitalize())
