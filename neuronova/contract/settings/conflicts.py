"""Settings that are each sound, and do not go together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuronova.contract.settings.model import Settings, SettingsError
from neuronova.contract.settings.values import PREFIX

_PROVIDER = ("OIDC_ISSUER", "OIDC_JWKS_URL", "OIDC_AUDIENCE", "OIDC_ROLES")
_NEEDS = {
    **{"SYSLOG_CA": "SYSLOG", "SYSLOG_CERTIFICATE": "SYSLOG", "SYSLOG_KEY": "SYSLOG_CERTIFICATE"},
    **{"SMTP": "SMTP_FROM", "SMTP_FROM": "SMTP", "SMTP_PASSWORD": "SMTP", "SMTP_CA": "SMTP"},
}


def refuse_conflicts(settings: Settings) -> None:
    """Refuse settings that do not go together.

    Raises:
        SettingsError: for the first that do not; it names them.
    """
    _refuse_shared_ports(settings)
    _refuse_without_postgresql(settings)
    _refuse_one_database_for_two(settings)
    _refuse_several_on_sqlite(settings)
    _refuse_half_a_provider(settings)
    _refuse_what_has_no_use_alone(settings)
    _refuse_half_a_backup(settings)
    for together in (("TLS_CERTIFICATE", "TLS_KEY"), ("DICOM_TLS_CERTIFICATE", "DICOM_TLS_KEY", "DICOM_TLS_CA")):
        _refuse_some(settings, together)


def _refuse_shared_ports(settings: Settings) -> None:
    seen: dict[int, str] = {}
    https = ("HTTPS_PORT",) if settings.tls_certificate is not None else ()
    dicom = ("DICOM_PORT", "MPPS_PORT")
    for name in ("HTTP_PORT", *https, "ORTHANC_PORT", "API_PORT", "INFERENCE_PORT", "NOTIFICATIONS_PORT", *dicom):
        _note_port(seen, name, getattr(settings, name.lower()))
    for one in settings.more_orthancs:
        for port in (one.http, one.dicom):
            _note_port(seen, "MORE_ORTHANCS", port)


def _note_port(seen: dict[int, str], name: str, port: int) -> None:
    if port in seen:
        raise SettingsError(f"{PREFIX}{seen[port]} and {PREFIX}{name} are both {port}; give each its own")
    seen[port] = name


def _refuse_without_postgresql(settings: Settings) -> None:
    if settings.database_url is not None:
        return
    # On SQLite one process delivers, and it is the platform's own.
    if settings.broker_url is not None:
        raise SettingsError(f"{PREFIX}BROKER_URL is set and {PREFIX}DATABASE_URL is not; Celery needs PostgreSQL")
    # SQLite has one writer at a time, and only the threads of one process take turns.
    if settings.api_processes > 1:
        named = f"{PREFIX}API_PROCESSES is {settings.api_processes} and {PREFIX}DATABASE_URL is not set"
        raise SettingsError(f"{named}; several processes need PostgreSQL")


def _refuse_several_on_sqlite(settings: Settings) -> None:
    if settings.more_orthancs and settings.orthanc_index_url is None:
        named = f"{PREFIX}MORE_ORTHANCS is set and {PREFIX}ORTHANC_INDEX_URL is not"
        raise SettingsError(f"{named}; several Orthancs need their index on PostgreSQL")


def _refuse_one_database_for_two(settings: Settings) -> None:
    if settings.orthanc_index_url is not None and settings.orthanc_index_url == settings.database_url:
        # Each is dumped and restored by itself, into an empty database.
        raise SettingsError(f"{PREFIX}DATABASE_URL and {PREFIX}ORTHANC_INDEX_URL are one database; give each its own")


def _refuse_half_a_provider(settings: Settings) -> None:
    missing = [name for name in _PROVIDER if getattr(settings, name.lower()) is None]
    if missing and len(missing) < len(_PROVIDER):
        needed = ", ".join(PREFIX + name for name in _PROVIDER)
        raise SettingsError(f"{PREFIX}{missing[0]} is missing; an identity provider needs {needed}")


def _refuse_what_has_no_use_alone(settings: Settings) -> None:
    for name, needed in _NEEDS.items():
        if getattr(settings, name.lower()) is not None and getattr(settings, needed.lower()) is None:
            raise SettingsError(f"{PREFIX}{name} is set and {PREFIX}{needed} is not; it has no use alone")


def _refuse_half_a_backup(settings: Settings) -> None:
    _refuse_some(settings, ("BACKUP_REPOSITORY", "BACKUP_PASSWORD"))
    if settings.backup_repository is not None and Path(settings.backup_repository).is_relative_to(settings.data):
        raise SettingsError(f"{PREFIX}BACKUP_REPOSITORY is in {PREFIX}DATA, and would be lost with it; give another")


def _refuse_some(settings: Settings, names: Sequence[str]) -> None:
    """Refuse some of settings that are of use only together."""
    have, *_, lack = sorted(names, key=lambda name: getattr(settings, name.lower()) is None)
    if getattr(settings, have.lower()) is not None and getattr(settings, lack.lower()) is None:
        raise SettingsError(f"{PREFIX}{have} is set and {PREFIX}{lack} is not; it has no use alone")
