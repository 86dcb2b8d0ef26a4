"""The browser's copy of the tokens (RFC 6265): out of scripts' reach, and sent to this origin alone."""

from __future__ import annotations

from flask import Response

from cdss_api.accounts.bearer import SESSION_COOKIE
from cdss_api.accounts.languages import LANGUAGE_COOKIE
from cdss_api.accounts.logins import Tokens
from neuronova.contract.settings import Settings
from neuronova.contract.token import LIFETIME

REFRESH_COOKIE = "neuronova_refresh"
_REFRESH_PATH = "/api/v1/auth"
_YEAR = 365 * 86400  # seconds


def give_cookies(response: Response, tokens: Tokens, settings: Settings) -> None:
    """Set both, and the language that the account chose."""
    secure = _secure(settings)
    response.set_cookie(
        SESSION_COOKIE, tokens.access, max_age=LIFETIME, path="/", secure=secure, httponly=True, samesite="Strict"
    )
    response.set_cookie(
        REFRESH_COOKIE,
        tokens.refresh,
        max_age=tokens.refresh_expires_in,
        path=_REFRESH_PATH,
        secure=secure,
        httponly=True,
        samesite="Strict",
    )
    if tokens.language is not None:
        give_language(response, tokens.language, settings)


def give_language(response: Response, language: str, settings: Settings) -> None:
    """Set the language of pages; scripts set it as well, where nobody is logged in."""
    secure = _secure(settings)
    response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR, path="/", secure=secure, samesite="Lax")


def clear_cookies(response: Response, settings: Settings) -> None:
    """Take both away."""
    for name, path in ((SESSION_COOKIE, "/"), (REFRESH_COOKIE, _REFRESH_PATH)):
        response.delete_cookie(name, path=path, secure=_secure(settings), httponly=True, samesite="Strict")


def _secure(settings: Settings) -> bool:
    return settings.gateway_url.startswith("https:")
