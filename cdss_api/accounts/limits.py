"""How often one may guess: failures are counted, by account and by address."""

from __future__ import annotations

import hashlib

from flask import Flask, Response
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded

from cdss_api.accounts.bearer import client_address
from cdss_api.accounts.people import normal
from neuronova.web.problems import Problem, answer

# A person mistypes a few times; a guesser of one account gets 2,880 tries a day at passwords of twelve characters.
PER_ACCOUNT = "10 per 5 minutes"
# A ward or a whole hospital may come from one address.
PER_ADDRESS = "50 per 5 minutes"
_WAIT = 300  # seconds; the window


def limiter_for(app: Flask) -> Limiter:
    """Return a limiter that counts in this process, which is the only one that answers."""
    app.register_error_handler(RateLimitExceeded, _exceeded)
    return Limiter(client_address, app=app, storage_uri="memory://", strategy="moving-window")


def of_account(username: str) -> str:
    """Return what an account's failures are counted under: no name, for breaches are logged."""
    return hashlib.sha256(normal(username).encode()).hexdigest()


def failed(response: Response) -> bool:
    """Tell whether an answer counts."""
    return response.status_code == 401


def _exceeded(_: Exception) -> Response:
    detail = "Too many failures; wait a few minutes."
    return answer(Problem(429, "too_many_failures", detail, {"Retry-After": str(_WAIT)}))
