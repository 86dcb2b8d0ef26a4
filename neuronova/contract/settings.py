"""The platform's settings: one frozen object read from a mapping of environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, NamedTuple

from neuronova.contract.mail import Mail, mail_of, mailbox
from neuronova.contract.roles import Role

PREFIX = "NEURONOVA_"
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
SYSLOG_PORT = 6514  # RFC 5425 4.1
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(ValueError):
    """A setting is unknown, empty or odd; the message names the variable and what it takes."""


class Endpoint(NamedTuple):
    """A host and a port of it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the platform; `.env.example` describes each variable."""

    data: Path
    http_port: int
    orthanc_port: int
    api_port: int
    inference_port: int
    dicom_port: int
    aet: str
    bind: str
    public_url: str | None
    encode_workers: int
    inference_workers: int  # models that run at a time
    inference_models: Path | None  # a folder with more models
    inference_roots: tuple[str, ...]  # DICOMweb roots beside Orthanc's that series may be fetched from
    log_level: str
    database_url: str | None = dataclass_field(repr=False)
    admin_password: str | None = dataclass_field(repr=False)
    broker_url: str | None = dataclass_field(repr=False)  # of a Celery that delivers the outbox
    break_glass_minutes: int
    grants_hold_minutes: int
    recent_days: int
    audit_required: bool
    outbox_days: int  # that delivered messages are kept
    audit_years: int | None  # that records are kept; None for ever
    syslog: Endpoint | None
    syslog_ca: Path | None
    syslog_certificate: Path | None
    syslog_key: Path | None
    subscription_networks: tuple[IPv4Network | IPv6Network, ...]  # that endpoints may be in beside the public ones
    issuer: str | None  # of PatientIDs that come without one, from a sender that has none of its own
    oidc_issuer: str | None
    oidc_jwks_url: str | None
    oidc_audience: str | None
    oidc_role_claim: str
    oidc_roles: tuple[tuple[str, Role], ...] | None  # the first that a person has, counts
    notifications_port: int  # of the process that holds the pages' open connections
    notification_days: int  # that they are kept
    smtp: Mail | None
    smtp_from: str | None
    smtp_password: str | None = dataclass_field(repr=False)
    smtp_ca: Path | None
    ai_rules: Path | None  # the file of rules; None is the one that comes with the platform
    ai_in_flight: int  # jobs that the inference service has at a time
    ai_quiet_seconds: float  # without a new image after which a series is looked at
    ai_longest_wait: float  # seconds that images which a series is to have are waited for

    @property
    def orthanc_url(self) -> str:
        """Orthanc's own HTTP server, reachable from this machine only."""
        return f"http://127.0.0.1:{self.orthanc_port}"

    @property
    def inference_url(self) -> str:
        """The inference service of the platform, reachable from this machine only."""
        return f"http://127.0.0.1:{self.inference_port}"

    @property
    def gateway_url(self) -> str:
        """The address that a browser on this machine uses."""
        host = "127.0.0.1" if self.bind in ("0.0.0.0", "::") else self.bind  # noqa: S104
        return self.public_url or f"http://{host}:{self.http_port}"

    @property
    def inference_secret_file(self) -> Path:
        """What callers of the inference service show; made at the first start."""
        return self.data / "keys" / "inference.key"

    def environment(self) -> dict[str, str]:
        """Return the variables from which `read_settings` makes this same object."""
        values: dict[str, object] = {
            "DATA": self.data,
            "HTTP_PORT": self.http_port,
            "ORTHANC_PORT": self.orthanc_port,
            "API_PORT": self.api_port,
            "INFERENCE_PORT": self.inference_port,
            "INFERENCE_WORKERS": self.inference_workers,
            "INFERENCE_MODELS": self.inference_models,
            "INFERENCE_ROOTS": ",".join(self.inference_roots) or "none",
            "DICOM_PORT": self.dicom_port,
            "AET": self.aet,
            "BIND": self.bind,
            "ENCODE_WORKERS": self.encode_workers,
            "LOG_LEVEL": self.log_level,
            "BREAK_GLASS_MINUTES": self.break_glass_minutes,
            "GRANTS_HOLD_MINUTES": self.grants_hold_minutes,
            "RECENT_DAYS": self.recent_days,
            "AUDIT_REQUIRED": "yes" if self.audit_required else "no",
            "OUTBOX_DAYS": self.outbox_days,
            "AUDIT_YEARS": self.audit_years,
            "SYSLOG": self.syslog,
            "SYSLOG_CA": self.syslog_ca,
            "SYSLOG_CERTIFICATE": self.syslog_certificate,
            "SYSLOG_KEY": self.syslog_key,
            "SUBSCRIPTION_NETWORKS": ",".join(map(str, self.subscription_networks)) or "none",
            "ISSUER": self.issuer,
            "OIDC_ROLE_CLAIM": self.oidc_role_claim,
            "PUBLIC_URL": self.public_url,
            "DATABASE_URL": self.database_url,
            "ADMIN_PASSWORD": self.admin_password,
            "BROKER_URL": self.broker_url,
            "OIDC_ISSUER": self.oidc_issuer,
            "OIDC_JWKS_URL": self.oidc_jwks_url,
            "OIDC_AUDIENCE": self.oidc_audience,
            "NOTIFICATIONS_PORT": self.notifications_port,
            "NOTIFICATION_DAYS": self.notification_days,
            "SMTP": self.smtp,
            "SMTP_FROM": self.smtp_from,
            "SMTP_PASSWORD": self.smtp_password,
            "SMTP_CA": self.smtp_ca,
            "AI_RULES": self.ai_rules,
            "AI_IN_FLIGHT": self.ai_in_flight,
            "AI_QUIET_SECONDS": self.ai_quiet_seconds,
            "AI_LONGEST_WAIT": self.ai_longest_wait,
            "OIDC_ROLES": self.oidc_roles and ",".join(f"{name}={role}" for name, role in self.oidc_roles),
        }
        return {PREFIX + name: str(value) for name, value in values.items() if value is not None}


def _path(text: str) -> Path:
    return Path(text).expanduser().resolve()


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError("a port number from 1 to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise ValueError("a number of processes from 1 to 64")
    return int(text)


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise ValueError("a number of jobs from 1 to 64")
    return int(text)


def _application_entity(text: str) -> str:
    # PS3.5 6.2, AE: at most 16 characters of the default repertoire, no backslash, no control characters.
    if len(text) > 16 or "\\" in text or text != text.strip() or not (text.isascii() and text.isprintable()):
        raise ValueError("an AE title of 1 to 16 printable ASCII characters without a backslash")
    return text


def _address(text: str) -> str:
    if any(character.isspace() or character in "/;{}\"'" for character in text):
        raise ValueError("an address to listen on, such as 127.0.0.1 or 0.0.0.0")
    return text


def _url(text: str) -> str:
    # A host and perhaps a port: it goes into the gateway's configuration and into the addresses in answers.
    if not re.fullmatch(r"https?://([\w.-]+|\[[0-9a-fA-F:]+\])(:\d+)?/?", text, re.ASCII):
        raise ValueError("an origin such as https://pacs.example.org")
    return text.rstrip("/")


def _database(text: str) -> str:
    if not re.match(r"postgres(ql)?://", text, re.ASCII):
        raise ValueError("an address such as postgresql://user:password@host/database")
    return text


def _broker(text: str) -> str:
    if not re.match(r"(redis|amqp)s?://[^\s/]", text, re.ASCII):
        raise ValueError("an address such as redis://:password@host:6379/0 or amqp://user:password@host")
    return text


def _password(text: str) -> str:
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        raise ValueError(f"a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return text


def _minutes(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 24 * 60:
        raise ValueError("a number of minutes from 1 to 1440")
    return int(text)


def _seconds(most: int) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text, re.ASCII) or not 0.1 <= float(text) <= most:
            raise ValueError(f"a number of seconds from 0.1 to {most}")
        return float(text)

    return read


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError("yes or no")
    return text.lower() == "yes"


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise ValueError("a number of days from 1 to 3650")
    return int(text)


def _years(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise ValueError("a number of years from 1 to 100")
    return int(text)


def _endpoint(text: str) -> Endpoint:
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?", text, re.ASCII)
    port = SYSLOG_PORT if found is None or found[3] is None else int(found[3])
    if found is None or not 1 <= port <= 65535:
        raise ValueError("a host and perhaps a port, such as collector.example.org:6514")
    return Endpoint(found[1] or found[2], port)


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return () if text == "none" else tuple(ip_network(one.strip()) for one in text.split(","))
    except ValueError:
        raise ValueError("none, or networks such as 10.20.0.0/16,127.0.0.0/8") from None


def _roots(text: str) -> tuple[str, ...]:
    roots = () if text == "none" else tuple(one.strip() for one in text.split(","))
    if not all(re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", one, re.ASCII) for one in roots):
        raise ValueError("none, or addresses such as https://pacs.example.org/dicom-web")
    return roots


def _issuer(text: str) -> str:
    if len(text) > 64 or "\\" in text or not text.isprintable():
        raise ValueError("an issuer of at most 64 characters without a backslash")
    return text


def _provider(text: str) -> str:
    # Its keys decide who is let in: not over an open network.
    if not re.match(r"https://[^\s/]|http://(127\.0\.0\.1|localhost|\[::1\])[:/]", text, re.ASCII):
        raise ValueError("an https address (or http on this machine)")
    return text


def _roles(text: str) -> tuple[tuple[str, Role], ...]:
    pairs = [pair.rpartition("=") for pair in text.split(",")]
    try:
        roles = tuple((name.strip(), Role(role.strip())) for name, _, role in pairs)
    except ValueError:
        roles = ()
    # A patient's identity is not in a provider's claims, and services have no person's account.
    if not roles or any(not name or role in (Role.PATIENT, Role.SERVICE) for name, role in roles):
        raise ValueError("a mapping such as pacs-admins=admin,physicians=doctor, to any role but patient and service")
    return roles


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError("one of " + ", ".join(LOG_LEVELS))
    return text.upper()


# name of the variable -> (name of the field, default, reader)
_READERS: dict[str, tuple[str, str | None, Callable[[str], Any]]] = {
    "DATA": ("data", "./var", _path),
    "HTTP_PORT": ("http_port", "8080", _port),
    "ORTHANC_PORT": ("orthanc_port", "8042", _port),
    "API_PORT": ("api_port", "8000", _port),
    "INFERENCE_PORT": ("inference_port", "8001", _port),
    "NOTIFICATIONS_PORT": ("notifications_port", "8002", _port),
    "DICOM_PORT": ("dicom_port", "4242", _port),
    "AET": ("aet", "NEURONOVA", _application_entity),
    "BIND": ("bind", "127.0.0.1", _address),
    "PUBLIC_URL": ("public_url", None, _url),
    "ENCODE_WORKERS": ("encode_workers", str(os.cpu_count() or 1), _workers),
    "INFERENCE_WORKERS": ("inference_workers", "1", _workers),
    "INFERENCE_MODELS": ("inference_models", None, _path),
    "INFERENCE_ROOTS": ("inference_roots", "none", _roots),
    "LOG_LEVEL": ("log_level", "INFO", _log_level),
    "DATABASE_URL": ("database_url", None, _database),
    "ADMIN_PASSWORD": ("admin_password", None, _password),
    "BROKER_URL": ("broker_url", None, _broker),
    "BREAK_GLASS_MINUTES": ("break_glass_minutes", "60", _minutes),
    "GRANTS_HOLD_MINUTES": ("grants_hold_minutes", "15", _minutes),
    "RECENT_DAYS": ("recent_days", "7", _days),
    "SUBSCRIPTION_NETWORKS": ("subscription_networks", "none", _networks),
    "OUTBOX_DAYS": ("outbox_days", "30", _days),
    "AUDIT_REQUIRED": ("audit_required", "yes", _yes_or_no),
    "AUDIT_YEARS": ("audit_years", None, _years),
    "SYSLOG": ("syslog", None, _endpoint),
    "SYSLOG_CA": ("syslog_ca", None, _path),
    "SYSLOG_CERTIFICATE": ("syslog_certificate", None, _path),
    "SYSLOG_KEY": ("syslog_key", None, _path),
    "ISSUER": ("issuer", None, _issuer),
    "OIDC_ISSUER": ("oidc_issuer", None, str),
    "OIDC_JWKS_URL": ("oidc_jwks_url", None, _provider),
    "OIDC_AUDIENCE": ("oidc_audience", None, str),
    "OIDC_ROLE_CLAIM": ("oidc_role_claim", "roles", str),
    "OIDC_ROLES": ("oidc_roles", None, _roles),
    "AI_RULES": ("ai_rules", None, _path),
    "AI_IN_FLIGHT": ("ai_in_flight", "4", _jobs),
    "AI_QUIET_SECONDS": ("ai_quiet_seconds", "5", _seconds(3600)),
    "AI_LONGEST_WAIT": ("ai_longest_wait", "600", _seconds(86400)),
    "NOTIFICATION_DAYS": ("notification_days", "90", _days),
    "SMTP": ("smtp", None, mail_of),
    "SMTP_FROM": ("smtp_from", None, mailbox),
    "SMTP_PASSWORD": ("smtp_password", None, str),
    "SMTP_CA": ("smtp_ca", None, _path),
}
# Never shown, and read from the file that `.._FILE` names, too.
SECRETS = ("DATABASE_URL", "ADMIN_PASSWORD", "BROKER_URL", "SMTP_PASSWORD")
_PROVIDER = ("OIDC_ISSUER", "OIDC_JWKS_URL", "OIDC_AUDIENCE", "OIDC_ROLES")
NAMES = tuple(PREFIX + name for name in _READERS)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Make the settings from `environment`; whatever is not set takes its default.

    Raises:
        SettingsError: for an unknown `NEURONOVA_` name, an empty or an odd value, or one port used twice.
    """
    unknown = sorted(n for n in environment if n.startswith(PREFIX) and n not in NAMES)
    if unknown:
        raise SettingsError(f"{unknown[0]} is not a setting; .env.example lists them all")
    fields: dict[str, Any] = {}
    for name, (field, default, read) in _READERS.items():
        text = environment.get(PREFIX + name, default)
        if text is not None and not text.strip():
            raise SettingsError(f"{PREFIX}{name} is empty; remove it to use its default")
        try:
            fields[field] = None if text is None else read(text.strip())
        except ValueError as error:
            shown = "" if name in SECRETS else f"={text!r}"
            raise SettingsError(f"{PREFIX}{name}{shown} is not {error}") from None
    settings = Settings(**fields)
    _refuse_shared_ports(settings)
    _refuse_a_broker_alone(settings)
    _refuse_half_a_provider(settings)
    _refuse_half_a_collector(settings)
    _refuse_half_a_mail_server(settings)
    return settings


def with_secret_files(environment: Mapping[str, str], read: Callable[[Path], str]) -> dict[str, str]:
    """Return `environment` with the content of each secret's file (`NEURONOVA_.._FILE`) as that secret.

    Raises:
        SettingsError: the file cannot be read, or the secret is set as well.
    """
    values = dict(environment)
    for name in (PREFIX + secret for secret in SECRETS):
        file = values.pop(f"{name}_FILE", None)
        if file is None:
            continue
        if name in values:
            raise SettingsError(f"{name} and {name}_FILE are both set; keep one")
        try:
            values[name] = read(Path(file)).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}_FILE={file!r} cannot be read ({type(error).__name__})") from None
    return values


def _refuse_shared_ports(settings: Settings) -> None:
    seen: dict[int, str] = {}
    for name in ("HTTP_PORT", "ORTHANC_PORT", "API_PORT", "INFERENCE_PORT", "NOTIFICATIONS_PORT", "DICOM_PORT"):
        port = getattr(settings, name.lower())
        if port in seen:
            raise SettingsError(f"{PREFIX}{seen[port]} and {PREFIX}{name} are both {port}; give each its own")
        seen[port] = name


def _refuse_a_broker_alone(settings: Settings) -> None:
    # On SQLite one process delivers, and it is the platform's own.
    if settings.broker_url is not None and settings.database_url is None:
        raise SettingsError(f"{PREFIX}BROKER_URL is set and {PREFIX}DATABASE_URL is not; Celery needs PostgreSQL")


def _refuse_half_a_provider(settings: Settings) -> None:
    missing = [name for name in _PROVIDER if getattr(settings, name.lower()) is None]
    if missing and len(missing) < len(_PROVIDER):
        needed = ", ".join(PREFIX + name for name in _PROVIDER)
        raise SettingsError(f"{PREFIX}{missing[0]} is missing; an identity provider needs {needed}")


def _refuse_half_a_collector(settings: Settings) -> None:
    needs = {"SYSLOG_CA": "SYSLOG", "SYSLOG_CERTIFICATE": "SYSLOG", "SYSLOG_KEY": "SYSLOG_CERTIFICATE"}
    for name, needed in needs.items():
        if getattr(settings, name.lower()) is not None and getattr(settings, needed.lower()) is None:
            raise SettingsError(f"{PREFIX}{name} is set and {PREFIX}{needed} is not; it has no use alone")


def _refuse_half_a_mail_server(settings: Settings) -> None:
    needs = {"SMTP": "SMTP_FROM", "SMTP_FROM": "SMTP", "SMTP_PASSWORD": "SMTP", "SMTP_CA": "SMTP"}
    for name, needed in needs.items():
        if getattr(settings, name.lower()) is not None and getattr(settings, needed.lower()) is None:
            raise SettingsError(f"{PREFIX}{name} is set and {PREFIX}{needed} is not; it has no use alone")


def read_dotenv(text: str) -> dict[str, str]:
    """Read `NAME=value` lines, as a shell would; blank lines and lines that begin with `#` are passed over.

    Raises:
        SettingsError: for a line that is neither, with its number.
    """
    values: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.removeprefix("export ").partition("=")
        if not equals or not name.strip().isidentifier():
            raise SettingsError(f".env line {number} is not NAME=value")
        values[name.strip()] = _unquoted(value.strip())
    return values


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text
