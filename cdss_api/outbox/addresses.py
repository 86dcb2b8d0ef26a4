"""Addresses of targets: what is sent there is about patients, so not over an open network."""

from __future__ import annotations

from urllib.parse import urlsplit

_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def secure(text: str) -> str:
    """Return an https address (or http on this machine) without a slash at its end.

    Raises:
        ValueError: it is none, or carries a password, a query or a fragment.
    """
    parts = urlsplit(text)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
    if not safe or not parts.hostname or not text.isprintable() or " " in text:
        raise ValueError("an https address is needed (or http on this machine)")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("an address without user, query and fragment is needed")
    _ = parts.port  # raises ValueError where it is none
    return text.rstrip("/")
