"""Delivery by e-mail (RFC 5321, RFC 5322): encrypted on its way to the site's mail server, and without any patient."""

from __future__ import annotations

import json
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from cdss_api.notifications.telling import Told, told
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Outcome, Verdict, of_exception
from cdss_api.service import Service
from neuronova.contract.mail import Mail

_TIMEOUT = 15.0  # seconds


@dataclass(frozen=True, slots=True)
class EmailDelivery:
    """Delivers notifications (`Deliver`); a mailbox knows a repeated one by its Message-ID."""

    service: Service

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Send one."""
        settings = self.service.settings
        if settings.smtp is None or settings.smtp_from is None:
            return Outcome(Verdict.TARGET_DOWN, "no mail server is set")
        with self.service.database.reading() as session:
            found = told(session, json.loads(delivery.payload)["notification"], self.service.now())
        if found is None or found.email is None:
            return Outcome(Verdict.OK, "nobody is to be told any more")
        letter = letter_of(found, found.email, settings.smtp_from, settings.gateway_url)
        try:
            context = ssl.create_default_context(cafile=settings.smtp_ca and str(settings.smtp_ca))
            send(letter, settings.smtp, settings.smtp_password, context, demand=settings.smtp_ca is not None)
        except smtplib.SMTPException as error:
            return _of_refusal(error)
        except OSError as error:
            return of_exception(error)
        return Outcome(Verdict.OK, "taken by the mail server")


def letter_of(found: Told, to: str, sender: str, origin: str) -> EmailMessage:
    """Return the message: what happened, and where to look."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = sender, to, f"NeuroNova: {found.text}"
    letter["Date"] = format_datetime(datetime.fromtimestamp(found.created_at, UTC))
    letter["Message-ID"] = f"<{found.notification_id}@{sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834 5
    letter.set_content(f"{found.text}\n\nLog in to see more: {origin}{found.link}\n")
    return letter


def send(letter: EmailMessage, mail: Mail, password: str | None, context: ssl.SSLContext, *, demand: bool) -> None:
    """Hand a message to the mail server, by TLS unless it is on this machine and `demand` is not said.

    Raises:
        smtplib.SMTPException: it refused.
        OSError: it does not answer, or its certificate does not hold.
    """
    server = connected(mail, context, demand=demand)
    try:
        if mail.user is not None and password is not None:
            server.login(mail.user, password)
        server.send_message(letter)
    finally:
        with suppress(smtplib.SMTPException, OSError):
            server.quit()


def connected(mail: Mail, context: ssl.SSLContext, *, demand: bool) -> smtplib.SMTP:
    """Connect to the mail server, by TLS as `send` does, which says what is raised."""
    if mail.implicit:
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=_TIMEOUT, context=context)
    server = smtplib.SMTP(mail.host, mail.port, timeout=_TIMEOUT)
    try:
        if demand or not mail.is_local:
            server.starttls(context=context)
    except (smtplib.SMTPException, OSError):
        server.close()
        raise
    return server


def _of_refusal(error: smtplib.SMTPException) -> Outcome:
    """Return what a refusal means; the server's words are not kept, they may quote what it was sent."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
    elif isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError):
        return Outcome(Verdict.TARGET_DOWN, f"{type(error).__name__} {error.smtp_code}")
    elif isinstance(error, smtplib.SMTPResponseException):
        codes = [error.smtp_code]
    else:
        return Outcome(Verdict.TARGET_DOWN, type(error).__name__)
    # RFC 5321 4.2.1: 5yz is final, 4yz passes.
    final = any(code >= 500 for code in codes)
    detail = f"{type(error).__name__} {' '.join(map(str, codes))}"
    return Outcome(Verdict.PERMANENT if final else Verdict.TRANSIENT, detail)
