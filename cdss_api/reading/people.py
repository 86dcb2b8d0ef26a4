"""The Practitioner that an account is: found by its identifier, made when it is missing."""

from __future__ import annotations

from sqlalchemy import select

from cdss_api.accounts.models import Account
from cdss_api.fhir.interactions import alone_with
from cdss_api.fhir.query import parse
from cdss_api.fhir.searching import matching
from cdss_api.fhir.store import Store
from cdss_api.fhir.teams import ACCOUNT
from neuronova.web.problems import Problem


def practitioners_of(store: Store, account_id: str) -> list[str]:
    """Return the ids of the Practitioners that name an account; none where there is no such account."""
    username = store.session.scalar(select(Account.username).where(Account.account_id == account_id))
    if username is None:
        return []
    return [one.id for one in matching(store, parse("Practitioner", _named(username), strict=True), 10)]


def practitioner_for(store: Store, account_id: str) -> str:
    """Return the id of the Practitioner that an account is, in the caller's transaction.

    Raises:
        Problem: 403 where who asks is no account (a service), and so is no person.
    """
    row = store.session.execute(
        select(Account.username, Account.display_name).where(Account.account_id == account_id)
    ).one_or_none()
    if row is None:
        raise Problem(403, "not_a_person", "Only a person with an account of their own does this.")
    username, display_name = row
    alone_with(store, "Practitioner", _named(username))
    known = matching(store, parse("Practitioner", _named(username), strict=True), 1)
    if known:
        return known[0].id
    made = {
        "resourceType": "Practitioner",
        "identifier": [{"system": ACCOUNT, "value": username}],
        "name": [{"text": display_name or username}],
    }
    return store.create("Practitioner", made).id


def _named(username: str) -> list[tuple[str, str]]:
    escaped = "".join(f"\\{one}" if one in "\\|,$" else one for one in username)
    return [("identifier", f"{ACCOUNT}|{escaped}")]
