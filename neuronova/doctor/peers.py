"""The machines that the platform talks to: each is asked what harms nobody."""

from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests

from cdss_api.accounts.changes import told
from cdss_api.accounts.models import Modality
from cdss_api.modalities.echo import NoAnswer, echo
from cdss_api.notifications.email_delivery import connected
from cdss_api.outbox.profiles import Kind
from neuronova.audit.forward import Collector
from neuronova.contract.grants import Operation
from neuronova.contract.mail import Mail
from neuronova.contract.settings import Settings
from neuronova.doctor.clock import skew
from neuronova.doctor.finding import Finding, failed, ok, skipped, warning

_TIMEOUT = 5.0
_LARGEST = 4 << 20  # bytes of an answer


def modality(settings: Settings, known: Modality) -> list[Finding]:
    """Ask a modality by C-ECHO; one that images are sent to (C-MOVE) has to answer, others may be switched off."""
    ours, host, port = settings.aet, known.host, known.port
    name = f"modality {known.title}"
    try:
        seconds = echo(settings, told(known))
    except NoAnswer as why:
        advice = f"is it on, is {host}:{port} right, and does it know {ours}? `neuronova modality add` changes it"
        if Operation.MOVE in known.operations:
            return [failed(name, str(why), advice)]
        return [warning(name, f"{why}; it may send all the same", advice)]
    return [ok(name, f"answers a C-ECHO at {host}:{port} in {seconds * 1000:.0f} ms")]


def target(name: str, profile: str, url: str, *, paused: bool, now: Callable[[], float]) -> list[Finding]:
    """Ask an outbox target for its capability statement (FHIR R4 2.1.0.6); a webhook only whether it is there."""
    named = f"target {name}"
    if paused:
        return [warning(named, "is paused: what is for it waits", f"neuronova outbox target resume {name}")]
    is_fhir = profile != Kind.WEBHOOK
    try:
        answer, body = _asked("GET" if is_fhir else "HEAD", f"{url}/metadata" if is_fhir else url)
    except requests.RequestException as error:
        return [failed(named, _reason(error, url), "see that it runs, and that this machine reaches it")]
    found = [_secure(named, url)] if is_fhir and answer.ok else []
    if is_fhir:
        found.insert(0, _capable(named, answer.status_code, body))
    else:
        found.append(ok(named, f"answers at {url} ({answer.status_code} to HEAD)"))
    return [*found, skew(f"clock of {name}", answer.headers.get("Date"), now())]


def provider(url: str, now: Callable[[], float]) -> list[Finding]:
    """Ask the identity provider for its keys (RFC 7517 5)."""
    name, advice = "OIDC keys", "see NEURONOVA_OIDC_JWKS_URL: nobody can log in by the provider without its keys"
    try:
        answer, body = _asked("GET", url)
    except requests.RequestException as error:
        return [failed(name, _reason(error, url), advice)]
    keys = body.get("keys") if isinstance(body, dict) else None
    if not answer.ok or not isinstance(keys, list) or not keys:
        return [failed(name, f"{url} answers {answer.status_code} and has no keys", advice)]
    return [ok(name, f"{len(keys)} at {url}"), skew("clock of the provider", answer.headers.get("Date"), now())]


def mail_server(settings: Settings, mail: Mail) -> list[Finding]:
    """Log in at the mail server, and send nothing."""
    advice = "see NEURONOVA_SMTP, NEURONOVA_SMTP_PASSWORD and NEURONOVA_SMTP_CA"
    try:
        context = ssl.create_default_context(cafile=settings.smtp_ca and str(settings.smtp_ca))
        server = connected(mail, context, demand=settings.smtp_ca is not None)
        try:
            if mail.user is not None and settings.smtp_password is not None:
                server.login(mail.user, settings.smtp_password)
            server.noop()
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
    except (smtplib.SMTPException, OSError) as error:
        return [failed("mail server", f"{mail.host}:{mail.port}: {_kind(error)}", advice)]
    return [ok("mail server", f"{mail.host}:{mail.port} takes our mail")]


def collector(one: Collector) -> list[Finding]:
    """Connect to the syslog collector by TLS, and send nothing."""
    try:
        with one.connect() as connection:
            told = f"{one.host}:{one.port} answers by {connection.version()}"
    except OSError as error:  # which TLS errors are, too
        return [
            failed("syslog collector", f"{one.host}:{one.port}: {_kind(error)}", "see the NEURONOVA_SYSLOG settings")
        ]
    return [ok("syslog collector", told)]


def broker(url: str) -> list[Finding]:
    """Connect to Celery's broker."""
    try:
        from kombu.connection import Connection
    except ImportError:
        return [
            failed(
                "broker", "Celery is not installed", 'pip install "neuronova[celery]", or unset NEURONOVA_BROKER_URL'
            )
        ]
    try:
        with Connection(url, connect_timeout=_TIMEOUT) as connection:  # type: ignore[no-untyped-call]
            connection.ensure_connection(max_retries=1, timeout=_TIMEOUT)
            return [ok("broker", connection.as_uri())]  # without its password
    except Exception as error:  # each kind of broker has its own
        return [failed("broker", f"does not take us ({type(error).__name__})", "see NEURONOVA_BROKER_URL")]


def _capable(name: str, status: int, body: Any) -> Finding:
    kind = body.get("resourceType") if isinstance(body, dict) else None
    if kind != "CapabilityStatement":
        told = f"answers {status} to /metadata, and no capability statement"
        return failed(
            name, told, "is its address the base of a FHIR interface? `neuronova outbox target list` shows it"
        )
    version = str(body.get("fhirVersion", "unknown"))
    if not version.startswith("4."):
        return warning(name, f"speaks FHIR {version}", "the platform writes FHIR R4")
    return ok(name, f"speaks FHIR {version}")


def _secure(name: str, url: str) -> Finding:
    if urlsplit(url).scheme == "https":
        return ok(f"{name}: TLS", "its certificate holds")
    return skipped(f"{name}: TLS", "is on this machine")  # `addresses.secure` refuses others


def _asked(method: str, url: str) -> tuple[requests.Response, Any]:
    """Ask, and read at most `_LARGEST` bytes of JSON; the body is None where it is none."""
    headers = {"Accept": "application/fhir+json, application/json"}
    # A redirection is no target, and a password out of a .netrc is for nobody here.
    with requests.request(
        method, url, headers=headers, auth=_as_given, timeout=_TIMEOUT, allow_redirects=False, stream=True
    ) as answer:
        content = answer.raw.read(_LARGEST, decode_content=True)
        try:
            return answer, json.loads(content)
        except ValueError:
            return answer, None


def _as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _reason(error: requests.RequestException, url: str) -> str:
    where = urlsplit(url).netloc.rpartition("@")[2]
    if isinstance(error, requests.exceptions.SSLError):
        return f"{where}: its certificate does not hold"
    if isinstance(error, requests.Timeout):
        return f"{where} does not answer within {_TIMEOUT:g} s"
    return f"{where} cannot be reached"


def _kind(error: Exception) -> str:
    # A server's words may quote what it was sent.
    if isinstance(error, smtplib.SMTPResponseException):
        return f"refuses us ({error.smtp_code})"
    return str(getattr(error, "strerror", "") or type(error).__name__)
