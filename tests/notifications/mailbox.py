"""A mail server over SMTP: with STARTTLS and a login where it is given them, and refusals where it is told to."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.server import free_ports

USER, PASSWORD = "neuronova", "mail password"


@dataclass
class Mailbox:
    """What arrived; `answers` are what it says to the next messages, then it takes them."""

    answers: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - its name in aiosmtpd
        said = self.answers.pop(0) if self.answers else "250 taken"
        if said.startswith("250") or said.startswith("lost"):
            self.letters.append(envelope.content.decode())
            self.encrypted.append(session.ssl is not None)
        return "421 gone" if said.startswith("lost") else said

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        known = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=known)


@contextmanager
def mail_server(certificate: Path | None = None) -> Iterator[Mailbox]:
    """Run a mail server for the length of a block; with a certificate it takes nothing that is not encrypted."""
    box = Mailbox(port=free_ports(1)[0])
    more: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        more = {"tls_context": context, "require_starttls": True, "auth_required": True}
        more["authenticator"] = box.authenticate
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **more)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
