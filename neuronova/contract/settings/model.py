"""The settings themselves, one frozen object, and what is wrong with some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from neuronova.contract.mail import Mail
from neuronova.contract.roles import Role
from neuronova.contract.settings.origins import VARIABLE, Origin, written
from neuronova.contract.settings.values import PREFIX, Doors, Endpoint


class SettingsError(ValueError):
    """A setting is unknown, empty or odd; the message names the variable and what it takes."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the platform; `.env.example` describes each variable."""

    data: Path
    http_port: int
    https_port: int  # where there is a certificate
    tls_certificate: Path | None
    tls_key: Path | None
    dicom_tls_certificate: Path | None
    dicom_tls_key: Path | None
    dicom_tls_ca: Path | None  # the authorities of modalities
    orthanc_port: int
    more_orthancs: tuple[Doors, ...]  # beside the first, on the same index
    orthanc_elsewhere: str | None  # where a worker on another machine reaches it
    api_port: int
    api_processes: int
    inference_port: int
    inference_elsewhere: str | None  # as for Orthanc
    dicom_port: int
    mpps_port: int  # that modalities tell of performed steps on
    aet: str
    bind: str
    public_url: str | None
    encode_workers: int
    inference_workers: int  # models that run at a time
    inference_models: Path | None  # a folder with more models
    inference_roots: tuple[str, ...]  # DICOMweb roots beside Orthanc's that series may be fetched from
    log_level: str
    log_form: str
    traces: str | None  # the collector that spans are sent to
    traces_sample: float  # of all traces
    database_url: str | None = dataclass_field(repr=False)
    orthanc_index_url: str | None = dataclass_field(repr=False)  # PostgreSQL in place of SQLite
    admin_password: str | None = dataclass_field(repr=False)
    broker_url: str | None = dataclass_field(repr=False)  # of a Celery that delivers the outbox
    backup_repository: str | None = dataclass_field(repr=False)  # restic's; its address may hold a password
    backup_password: str | None = dataclass_field(repr=False)
    break_glass_minutes: int
    grants_hold_minutes: int
    recent_days: int
    disk_reserve: int  # MiB, beyond which nothing is stored
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
    forwarding_rules: Path | None  # the file of rules; None: nothing is forwarded
    prefetch_rules: Path | None  # the file of rules; None: nothing is fetched
    duplicates_refused: bool  # C-STORE of other content under a SOPInstanceUID that is there
    retention_rules: Path | None  # the file of rules; None: nothing is ever deleted
    ai_in_flight: int  # jobs that the inference service has at a time
    ai_quiet_seconds: float  # without a new image after which a series is looked at
    ai_longest_wait: float  # seconds that images which a series is to have are waited for
    origins: Mapping[str, Origin] = dataclass_field(default_factory=dict, compare=False, repr=False)  # of what is given

    @property
    def orthanc_url(self) -> str:
        """Orthanc's own HTTP server, reachable from the platform's machine only unless the site leads there."""
        return self.orthanc_elsewhere or f"http://127.0.0.1:{self.orthanc_port}"

    @property
    def orthancs(self) -> tuple[Doors, ...]:
        """The ports of all Orthancs of this machine, the first one's first."""
        return (Doors(self.orthanc_port, self.dicom_port), *self.more_orthancs)

    @property
    def dicomweb_root(self) -> str:
        """Orthanc's DICOMweb, as the inference service beside it reaches it."""
        return f"http://127.0.0.1:{self.orthanc_port}/dicom-web"

    @property
    def inference_url(self) -> str:
        """The inference service of the platform, reachable as Orthanc is."""
        return self.inference_elsewhere or f"http://127.0.0.1:{self.inference_port}"

    @property
    def own_address(self) -> str:
        """Where this machine reaches what listens for others."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)  # noqa: S104

    @property
    def gateway_url(self) -> str:
        """The address that a browser on this machine uses."""
        host = "127.0.0.1" if self.bind in ("0.0.0.0", "::") else self.bind  # noqa: S104
        own = f"http://{host}:{self.http_port}" if self.tls_certificate is None else f"https://{host}:{self.https_port}"
        return self.public_url or own

    @property
    def inference_secret_file(self) -> Path:
        """What callers of the inference service show; made at the first start."""
        return self.data / "keys" / "inference.key"

    @property
    def metrics_key_file(self) -> Path:
        """What Prometheus shows; made at the first start."""
        return self.data / "keys" / "metrics.key"

    def environment(self) -> dict[str, str]:
        """Return the variables from which `read_settings` makes this same object."""
        values: dict[str, object] = {
            "DATA": self.data,
            "HTTP_PORT": self.http_port,
            "HTTPS_PORT": self.https_port,
            "TLS_CERTIFICATE": self.tls_certificate,
            "TLS_KEY": self.tls_key,
            "DICOM_TLS_CERTIFICATE": self.dicom_tls_certificate,
            "DICOM_TLS_KEY": self.dicom_tls_key,
            "DICOM_TLS_CA": self.dicom_tls_ca,
            "ORTHANC_PORT": self.orthanc_port,
            "MORE_ORTHANCS": ",".join(map(str, self.more_orthancs)) or "none",
            "ORTHANC_URL": self.orthanc_elsewhere,
            "API_PORT": self.api_port,
            "API_PROCESSES": self.api_processes,
            "INFERENCE_PORT": self.inference_port,
            "INFERENCE_URL": self.inference_elsewhere,
            "INFERENCE_WORKERS": self.inference_workers,
            "INFERENCE_MODELS": self.inference_models,
            "INFERENCE_ROOTS": ",".join(self.inference_roots) or "none",
            "DICOM_PORT": self.dicom_port,
            "MPPS_PORT": self.mpps_port,
            "AET": self.aet,
            "BIND": self.bind,
            "ENCODE_WORKERS": self.encode_workers,
            "LOG_LEVEL": self.log_level,
            "LOG_FORM": self.log_form,
            "TRACES": self.traces,
            "TRACES_SAMPLE": self.traces_sample,
            "BREAK_GLASS_MINUTES": self.break_glass_minutes,
            "GRANTS_HOLD_MINUTES": self.grants_hold_minutes,
            "RECENT_DAYS": self.recent_days,
            "AUDIT_REQUIRED": "yes" if self.audit_required else "no",
            "DISK_RESERVE": self.disk_reserve,
            "DUPLICATES_REFUSED": "yes" if self.duplicates_refused else "no",
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
            "ORTHANC_INDEX_URL": self.orthanc_index_url,
            "ADMIN_PASSWORD": self.admin_password,
            "BROKER_URL": self.broker_url,
            "BACKUP_REPOSITORY": self.backup_repository,
            "BACKUP_PASSWORD": self.backup_password,
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
            "FORWARDING_RULES": self.forwarding_rules,
            "PREFETCH_RULES": self.prefetch_rules,
            "RETENTION_RULES": self.retention_rules,
            "AI_IN_FLIGHT": self.ai_in_flight,
            "AI_QUIET_SECONDS": self.ai_quiet_seconds,
            "AI_LONGEST_WAIT": self.ai_longest_wait,
            "OIDC_ROLES": self.oidc_roles and ",".join(f"{name}={role}" for name, role in self.oidc_roles),
        }
        given = {PREFIX + name: str(value) for name, value in values.items() if value is not None}
        return given | {VARIABLE: written(self.origins)}
