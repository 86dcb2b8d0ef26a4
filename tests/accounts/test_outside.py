"""An identity provider's tokens, exchanged for ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from cdss_api.accounts import people
from cdss_api.accounts.outside import role_of
from neuronova.contract.grants import AccountChange
from neuronova.contract.roles import Role
from neuronova.contract.settings import read_settings
from tests.accounts.api import TESTER, Api, code_of, json_of

RSA, EC, ED = (
    rsa.generate_private_key(65537, 2048),
    ec.generate_private_key(ec.SECP256R1()),
    Ed25519PrivateKey.generate(),
)
KEYS: dict[str, Any] = {"RS256": RSA, "ES256": EC, "EdDSA": ED}
ROLES = (("pacs-admins", Role.ADMIN), ("physicians", Role.DOCTOR))


def jwks() -> bytes:
    made = {
        "RS256": RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True),
        "ES256": ECAlgorithm.to_jwk(EC.public_key(), as_dict=True),
        "EdDSA": OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True),
    }
    keys = [{**key, "kid": name, "use": "sig", "alg": name} for name, key in made.items()]
    return json.dumps({"keys": keys}).encode()


class Keys(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = jwks()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@dataclass
class Site:
    """A service that trusts a provider, and the provider's hand."""

    api: Api

    def token(self, algorithm: str = "RS256", key: Any = None, **changes: Any) -> str:
        now = int(self.api.clock())
        whole = {
            "iss": "https://id.example.org",
            "aud": "neuronova",
            "sub": "f3a1",
            "name": "Dr Kim",
            "iat": now,
            "exp": now + 60,
            "realm_access": {"roles": ["offline_access", "physicians"]},
        }
        payload = {name: value for name, value in (whole | changes).items() if value is not None}
        return jwt.encode(payload, key or KEYS[algorithm], algorithm, headers={"kid": changes.get("kid", algorithm)})

    def exchange(self, token: str) -> Any:
        return self.api.client.post("/api/v1/auth/exchange", json={"token": token})


@pytest.fixture
def site(variables: dict[str, str]) -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ours = {
        "ISSUER": "https://id.example.org",
        "JWKS_URL": f"http://127.0.0.1:{server.server_port}/keys",
        "AUDIENCE": "neuronova",
        "ROLE_CLAIM": "realm_access.roles",
        "ROLES": "pacs-admins=admin,physicians=doctor",
    }
    api = Api(read_settings(variables | {f"NEURONOVA_OIDC_{name}": value for name, value in ours.items()}))
    yield Site(api)
    api.service.database.close()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_of_the_provider_is_a_login_of_ours(site: Site, algorithm: str) -> None:
    tokens = json_of(site.exchange(site.token(algorithm)))
    me = json_of(site.api.me(tokens["access_token"]))
    assert (me["username"], me["role"], me["display_name"]) == ("oidc:f3a1", "doctor", "Dr Kim")
    assert site.api.refresh(tokens["refresh_token"]).status_code == 200
    assert site.api.log_in("oidc:f3a1", "any password").status_code == 401


def test_an_account_follows_its_claims(site: Site) -> None:
    first = json_of(site.exchange(site.token()))
    before = site.api.update().version
    again = json_of(site.exchange(site.token()))
    assert site.api.update().version == before
    admin = json_of(site.exchange(site.token(realm_access={"roles": ["physicians", "pacs-admins"]})))
    assert json_of(site.api.me(admin["access_token"]))["role"] == "admin"
    assert [change.role for change in site.api.update(before).changes if isinstance(change, AccountChange)] == [
        Role.ADMIN
    ]
    for old in (first, again):
        assert site.api.me(old["access_token"]).status_code == 401


def test_who_is_disabled_here_stays_out(site: Site) -> None:
    site.exchange(site.token())
    with site.api.service.work(TESTER) as work:
        account = people.find(work.session, "oidc:f3a1")
        assert account is not None
        people.change(work, account, enabled=False)
    assert code_of(site.exchange(site.token())) == "outside_token_invalid"
    assert site.api.journal.actions()[-1] == "login denied"


def test_a_provider_does_not_take_the_last_administrator_away(site: Site) -> None:
    site.exchange(site.token(realm_access={"roles": ["pacs-admins"]}))
    with site.api.service.work(TESTER) as work:
        account = people.find(work.session, "admin")
        assert account is not None
        people.change(work, account, enabled=False)
    assert code_of(site.exchange(site.token())) == "impossible_account"


SHARED = "a secret that is shared by two"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"aud": None},
        {"iss": "https://evil.example.org"},
        {"sub": None},
        {"exp": None},
        {"exp": 1_799_999_000},
        {"nbf": 1_800_001_000},
        {"kid": "unknown"},
        {"key": Ed25519PrivateKey.generate(), "algorithm": "EdDSA"},
        {"key": SHARED.ljust(64, "."), "algorithm": "HS256", "kid": "RS256"},
        {"key": RSA, "algorithm": "RS512", "kid": "RS256"},
    ],
)
def test_what_the_provider_did_not_sign_for_us_is_refused(site: Site, changes: dict[str, Any]) -> None:
    assert code_of(site.exchange(site.token(**changes))) == "outside_token_invalid"
    assert site.api.journal.actions()[-1] == "login denied"


@pytest.mark.parametrize("text", ["x", "a.b.c", "e30.e30.", "한글"])
def test_what_is_no_token_is_refused(site: Site, text: str) -> None:
    assert code_of(site.exchange(text)) == "outside_token_invalid"


def test_without_a_role_nobody_comes_in(site: Site) -> None:
    assert code_of(site.exchange(site.token(realm_access={"roles": ["visitors"]}))) == "no_role"


def test_our_own_token_is_not_the_providers(site: Site) -> None:
    ours = json_of(site.exchange(site.token()))["access_token"]
    assert code_of(site.exchange(ours)) == "outside_token_invalid"
    assert code_of(site.api.me(site.token())) == "token_invalid"


def test_where_no_provider_is_trusted(api: Api) -> None:
    assert code_of(api.client.post("/api/v1/auth/exchange", json={"token": "x"})) == "no_provider"


@pytest.mark.parametrize(
    ("claims", "path", "role"),
    [
        ({"roles": ["physicians"]}, "roles", Role.DOCTOR),
        ({"roles": "physicians"}, "roles", Role.DOCTOR),
        ({"roles": ["physicians", "pacs-admins"]}, "roles", Role.ADMIN),
        ({"a": {"b": ["physicians"]}}, "a.b", Role.DOCTOR),
        ({"a": ["physicians"]}, "a.b", None),
        ({"roles": "physicians-of-another"}, "roles", None),
        ({"roles": {"physicians": True}}, "roles", None),
        ({"roles": None}, "roles", None),
        ({}, "roles", None),
        ({"roles": [["physicians"], 1, None]}, "roles", None),
    ],
)
def test_the_role_of_claims(claims: dict[str, Any], path: str, role: Role | None) -> None:
    assert role_of(claims, path, ROLES) == role
