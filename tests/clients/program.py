"""A program that registers, proves who it is and asks: keys of each kind, and its assertions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cdss_api.clients import registry
from tests.accounts.api import TESTER, Api, json_of

TOKEN = "/api/v1/auth/token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEYS: dict[str, Any] = {
    "RS384": rsa.generate_private_key(65537, 2048),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
WEAK = rsa.generate_private_key(65537, 1024)


def public(algorithm: str, key: Any, key_id: str) -> dict[str, Any]:
    """Return the public half of a key as a member of a JWK Set."""
    member: Any = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**member, "kid": key_id, "alg": algorithm, "use": "sig"}


def key_set(*algorithms: str) -> dict[str, Any]:
    """Return a JWK Set with one key of each algorithm, which is also its identifier."""
    return {"keys": [public(one, KEYS[one], one) for one in algorithms or KEYS]}


@dataclass
class Program:
    """A registered client."""

    api: Any  # with the service and its clock
    client_id: str
    number: int = 0

    def assertion(self, algorithm: str = "ES384", *, key: Any = None, kid: str | None = None, **changed: Any) -> str:
        """Return an assertion that holds, but for what is `changed`; None leaves a claim out."""
        self.number += 1
        now = int(self.api.clock())
        claims: dict[str, Any] = {
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": f"{self.client_id}-{self.number}",
        }
        claims |= {"aud": f"{self.api.service.settings.gateway_url}{TOKEN}", "exp": now + 300, "iat": now} | changed
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, key or KEYS[algorithm], algorithm, headers={"kid": kid or algorithm})

    def ask(self, scope: str = "system/*.cruds", assertion: str | None = None, **changed: Any) -> TestResponse:
        """Ask for a token."""
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "scope": scope}
        form |= {"client_assertion": assertion or self.assertion()} | changed
        client: FlaskClient = self.api.client
        return client.post(TOKEN, data={name: value for name, value in form.items() if value is not None})

    def bearer(self, scope: str = "system/*.cruds") -> dict[str, str]:
        """Return the header of a token."""
        answer = self.ask(scope)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {json_of(answer)['access_token']}"}


def registered(api: Api, scopes: str = "system/*.cruds", name: str = "Registry", **keys: Any) -> Program:
    """Register a client."""
    with api.service.work(TESTER) as work:
        client = registry.add(work, name=name, scopes=scopes, **(keys or {"jwks": key_set()}))
        return Program(api, client.client_id)


def error_of(answer: TestResponse) -> str:
    """Return the code of an error of OAuth (RFC 6749 5.2)."""
    assert answer.content_type == "application/json", answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    members = json.loads(answer.text)
    assert members["error_description"]
    return str(members["error"])
