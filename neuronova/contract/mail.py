"""Where a site's mail server is, as one setting says it."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_FORM = re.compile(r"(smtps?)://(?:([^\s@/:]+)@)?(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?/?", re.ASCII)
_PORTS = {"smtp": 587, "smtps": 465}  # RFC 8314 3.3


class Mail(NamedTuple):
    """A mail server; `implicit` is TLS from the first byte, else STARTTLS is demanded of all but this machine."""

    host: str
    port: int
    user: str | None
    implicit: bool

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return self.host in _LOCAL

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = "" if self.user is None else self.user.replace("%", "%25").replace("@", "%40").replace(":", "%3A") + "@"
        return f"{'smtps' if self.implicit else 'smtp'}://{user}{host}:{self.port}"


def mail_of(text: str) -> Mail:
    """Read `smtp://user@host:587` or `smtps://host`.

    Raises:
        ValueError: it is neither; what it takes.
    """
    found = _FORM.fullmatch(text)
    port = 0 if found is None else int(found[5] or _PORTS[found[1]])
    if found is None or not 1 <= port <= 65535:
        raise ValueError("an address such as smtp://user@mail.example.org:587 or smtps://mail.example.org")
    user = None if found[2] is None else unquote(found[2])
    return Mail(found[3] or found[4], port, user, found[1] == "smtps")


def mailbox(text: str) -> str:
    """Read an address that mail comes from; raises ValueError where it is none."""
    if len(text) > 254 or not re.fullmatch(r"[\w.%+-]+@[A-Za-z0-9][A-Za-z0-9.-]*", text, re.ASCII):
        raise ValueError("an address such as neuronova@example.org")
    return text
