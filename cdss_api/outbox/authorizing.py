"""How each request to a target is authorized, and where its tokens come from."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote, urlencode

import jwt

from cdss_api.outbox.credentials import ClientCredentials, Header, Nothing, PrivateKeyJwt
from cdss_api.outbox.exchange import Exchange, Undelivered
from cdss_api.outbox.verdicts import Outcome, Verdict

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 240  # SMART backend services: five minutes at most
_EARLY = 30.0  # seconds that a token is replaced before its end
_UNSTATED = 300.0  # seconds that a token is used whose end is not said (RFC 6749 5.1)


class Authorizer:
    """The authorization of one target; a token is kept until shortly before it ends."""

    def __init__(
        self,
        authorization: Nothing | Header | ClientCredentials | PrivateKeyJwt,
        exchange: Exchange,
        clock: Callable[[], float],
    ) -> None:
        self._authorization = authorization
        self._exchange = exchange
        self._clock = clock
        self._token = ""
        self._until = 0.0

    def renew(self) -> None:
        """Use the last token no more."""
        self._until = 0.0

    def headers(self) -> dict[str, str]:
        """Return the headers that authorize a request.

        Raises:
            Undelivered: the token's server refused us, which is no message's own failure.
        """
        match self._authorization:
            case Nothing():
                return {}
            case Header() as header:
                return {header.name: header.value}
            case ClientCredentials() | PrivateKeyJwt() as client:
                if self._clock() >= self._until:
                    self._ask(client)
                return {"Authorization": f"Bearer {self._token}"}

    def _ask(self, client: ClientCredentials | PrivateKeyJwt) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        form = {"grant_type": "client_credentials", "scope": client.scope}
        if isinstance(client, ClientCredentials):
            # RFC 6749 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_assertion_type": _ASSERTION, "client_assertion": _assertion(client, self._clock())}
        answer = self._exchange.ask("POST", client.token_url, headers, urlencode(form).encode())
        token = answer.document()
        if answer.status != 200 or not isinstance(token.get("access_token"), str):
            # What it says is not shown: a server may quote what it was sent.
            detail = f"the token's server answered {answer.status}"
            raise Undelivered(Outcome(Verdict.TARGET_DOWN, detail))
        seconds = token.get("expires_in")
        lasts = float(seconds) if isinstance(seconds, int) else _UNSTATED
        self._token, self._until = token["access_token"], self._clock() + max(lasts - _EARLY, 1.0)


def _assertion(client: PrivateKeyJwt, now: float) -> str:
    claims = {"iss": client.client_id, "sub": client.client_id, "aud": client.token_url}
    claims |= {"jti": secrets.token_hex(16)}
    times = {"iat": int(now), "exp": int(now) + _ASSERTION_SECONDS}
    return jwt.encode(claims | times, client.private_key, client.algorithm, headers={"kid": client.key_id})
