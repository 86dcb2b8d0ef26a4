"""From environment variables, files of secrets and `.env` to the settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from neuronova.contract.mail import mail_of, mailbox
from neuronova.contract.settings import values
from neuronova.contract.settings.conflicts import refuse_conflicts
from neuronova.contract.settings.model import Settings, SettingsError
from neuronova.contract.settings.origins import VARIABLE, origins_of, read
from neuronova.contract.settings.values import PREFIX

# name of the variable -> (name of the field, default, reader)
_READERS: dict[str, tuple[str, str | None, Callable[[str], Any]]] = {
    "DATA": ("data", "./var", values.path),
    "HTTP_PORT": ("http_port", "8080", values.port),
    "HTTPS_PORT": ("https_port", "8443", values.port),
    "TLS_CERTIFICATE": ("tls_certificate", None, values.path),
    "TLS_KEY": ("tls_key", None, values.path),
    "ORTHANC_PORT": ("orthanc_port", "8042", values.port),
    "MORE_ORTHANCS": ("more_orthancs", "none", values.doors),
    "ORTHANC_URL": ("orthanc_elsewhere", None, values.part),
    "API_PORT": ("api_port", "8000", values.port),
    "API_PROCESSES": ("api_processes", "1", values.workers),
    "INFERENCE_PORT": ("inference_port", "8001", values.port),
    "INFERENCE_URL": ("inference_elsewhere", None, values.part),
    "NOTIFICATIONS_PORT": ("notifications_port", "8002", values.port),
    "DICOM_PORT": ("dicom_port", "4242", values.port),
    "MPPS_PORT": ("mpps_port", "4243", values.port),
    "AET": ("aet", "NEURONOVA", values.application_entity),
    "BIND": ("bind", "127.0.0.1", values.address),
    "PUBLIC_URL": ("public_url", None, values.url),
    "ENCODE_WORKERS": ("encode_workers", str(os.cpu_count() or 1), values.workers),
    "INFERENCE_WORKERS": ("inference_workers", "1", values.workers),
    "INFERENCE_MODELS": ("inference_models", None, values.path),
    "INFERENCE_ROOTS": ("inference_roots", "none", values.roots),
    "LOG_LEVEL": ("log_level", "INFO", values.log_level),
    "LOG_FORM": ("log_form", "text", values.log_form),
    "TRACES": ("traces", None, values.url),
    "TRACES_SAMPLE": ("traces_sample", "1", values.ratio),
    "DATABASE_URL": ("database_url", None, values.database),
    "ORTHANC_INDEX_URL": ("orthanc_index_url", None, values.database),
    "ADMIN_PASSWORD": ("admin_password", None, values.password),
    "BROKER_URL": ("broker_url", None, values.broker),
    "BACKUP_REPOSITORY": ("backup_repository", None, values.repository),
    "BACKUP_PASSWORD": ("backup_password", None, values.password),
    "BREAK_GLASS_MINUTES": ("break_glass_minutes", "60", values.minutes),
    "GRANTS_HOLD_MINUTES": ("grants_hold_minutes", "15", values.minutes),
    "RECENT_DAYS": ("recent_days", "7", values.days),
    "SUBSCRIPTION_NETWORKS": ("subscription_networks", "none", values.networks),
    "OUTBOX_DAYS": ("outbox_days", "30", values.days),
    "DISK_RESERVE": ("disk_reserve", "1024", values.mebibytes),
    "DUPLICATES_REFUSED": ("duplicates_refused", "yes", values.yes_or_no),
    "AUDIT_REQUIRED": ("audit_required", "yes", values.yes_or_no),
    "AUDIT_YEARS": ("audit_years", None, values.years),
    "SYSLOG": ("syslog", None, values.endpoint),
    "SYSLOG_CA": ("syslog_ca", None, values.path),
    "SYSLOG_CERTIFICATE": ("syslog_certificate", None, values.path),
    "SYSLOG_KEY": ("syslog_key", None, values.path),
    "DICOM_TLS_CERTIFICATE": ("dicom_tls_certificate", None, values.path),
    "DICOM_TLS_KEY": ("dicom_tls_key", None, values.path),
    "DICOM_TLS_CA": ("dicom_tls_ca", None, values.path),
    "ISSUER": ("issuer", None, values.issuer),
    "OIDC_ISSUER": ("oidc_issuer", None, str),
    "OIDC_JWKS_URL": ("oidc_jwks_url", None, values.provider),
    "OIDC_AUDIENCE": ("oidc_audience", None, str),
    "OIDC_ROLE_CLAIM": ("oidc_role_claim", "roles", str),
    "OIDC_ROLES": ("oidc_roles", None, values.roles),
    "AI_RULES": ("ai_rules", None, values.path),
    "FORWARDING_RULES": ("forwarding_rules", None, values.path),
    "PREFETCH_RULES": ("prefetch_rules", None, values.path),
    "RETENTION_RULES": ("retention_rules", None, values.path),
    "AI_IN_FLIGHT": ("ai_in_flight", "4", values.jobs),
    "AI_QUIET_SECONDS": ("ai_quiet_seconds", "5", values.seconds(3600)),
    "AI_LONGEST_WAIT": ("ai_longest_wait", "600", values.seconds(86400)),
    "NOTIFICATION_DAYS": ("notification_days", "90", values.days),
    "SMTP": ("smtp", None, mail_of),
    "SMTP_FROM": ("smtp_from", None, mailbox),
    "SMTP_PASSWORD": ("smtp_password", None, str),
    "SMTP_CA": ("smtp_ca", None, values.path),
}
# Never shown, and read from the file that `.._FILE` names, too.
SECRETS = (
    *("DATABASE_URL", "ORTHANC_INDEX_URL", "ADMIN_PASSWORD", "BROKER_URL"),
    *("BACKUP_REPOSITORY", "BACKUP_PASSWORD", "SMTP_PASSWORD"),
)
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
    for name, (field, default, reader) in _READERS.items():
        text = environment.get(PREFIX + name, default)
        if text is not None and not text.strip():
            raise SettingsError(f"{PREFIX}{name} is empty; remove it to use its default")
        try:
            fields[field] = None if text is None else reader(text.strip())
        except ValueError as error:
            shown = "" if name in SECRETS else f"={text!r}"
            raise SettingsError(f"{PREFIX}{name}{shown} is not {error}") from None
    told = environment.get(VARIABLE)
    origins = origins_of(environment, {}) if told is None else read(told)
    settings = Settings(**fields, origins=origins)
    refuse_conflicts(settings)
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
