"""All checks of an installation: which there are, and what they find side by side."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from cdss_api.accounts.models import Modality
from cdss_api.database import Database, open_database, require_current
from cdss_api.errors import Unavailable
from cdss_api.health.side_by_side import Outcome, SideBySide
from cdss_api.metrics.groups import certificates_of
from cdss_api.outbox.configured_targets import ConfiguredTarget
from neuronova.audit.forward import collector_of
from neuronova.contract.settings import Settings
from neuronova.doctor import certificates, clock, disk, limits, peers, rights, versions, weak_settings
from neuronova.doctor.backups import look_at_backups
from neuronova.doctor.finding import Finding, failed, skipped
from neuronova.doctor.health import look_at_health
from neuronova.doctor.index import look_at_index
from neuronova.doctor.ports import answering, look_at_ports
from neuronova.doctor.tables import look_at_database
from neuronova.platform.layout import Layout
from neuronova.platform.orthanc_index import index_database

# A check gives what it found; what it raises is a fault of its own.
Check = Callable[[], list[Finding]]
DEADLINE = 20.0  # seconds for each check, all of which run side by side


def check_up(
    settings: Settings,
    files: Collection[Path] = (),
    *,
    deadline: float = DEADLINE,
    now: Callable[[], float] = time.time,
) -> list[Finding]:
    """Look at an installation; `files` are those that its settings were read from."""
    running = answering(settings)
    database = open_database(settings)
    try:
        checks = checks_of(settings, files, running, database, now)
        outcomes = SideBySide(checks, deadline).run()
        return [finding for name, one in outcomes.items() for finding in findings_of(name, one, deadline)]
    finally:
        database.close()


def checks_of(
    settings: Settings,
    files: Collection[Path],
    running: Collection[str],
    database: Database,
    now: Callable[[], float],
) -> dict[str, Check]:
    """Return the checks by name; `running` are the platform's parts that answer."""
    layout = Layout(settings.data)
    exists = settings.data.is_dir()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found: dict[str, Check] = {
        "versions": versions.look_at_versions,
        "settings": partial(weak_settings.look_at_settings, settings, has_accounts=_has_database(settings) and exists),
        "files": partial(weak_settings.look_at_files, files),
        "ports": partial(look_at_ports, settings, running),
        "rights": partial(rights.look_at_rights, layout, os.geteuid()),
        "disk": partial(disk.look_at_disk, settings.data, settings.disk_reserve << 20) if exists else _left_out("disk"),
        "limits": lambda: [limits.open_files(soft, hard)],
        "clock": clock.look_at_clock,
        "certificates": partial(
            certificates.look_at_certificates, certificates_of(settings), _keys_of(settings), now()
        ),
        "database": (
            partial(look_at_database, database, settings.api_processes)
            if _has_database(settings)
            else _left_out("database")
        ),
        "backup": partial(look_at_backups, settings, now()),
    }
    if (index := index_database(settings)) is not None:
        found["index"] = partial(look_at_index, index)
    found |= _settings_peers(settings, now)
    found |= _known_peers(settings, database, now)
    if "api" in running:
        found["health"] = partial(look_at_health, f"http://127.0.0.1:{settings.api_port}")
    else:
        found["health"] = lambda: [skipped("health", "the platform does not run: its parts were not asked")]
    return found


def findings_of(name: str, one: Outcome[list[Finding]], deadline: float) -> list[Finding]:
    """Return what a check found, or what became of it."""
    if not one.ended:
        return [failed(name, f"no answer in {deadline:g} s", "look at it by hand; it may hang")]
    if one.error is not None:
        return [
            failed(name, f"the check itself failed ({type(one.error).__name__}: {one.error})", "please report this")
        ]
    return one.value or []


def _settings_peers(settings: Settings, now: Callable[[], float]) -> dict[str, Check]:
    found: dict[str, Check] = {}
    if settings.smtp is not None:
        found["mail server"] = partial(peers.mail_server, settings, settings.smtp)
    if (collector := collector_of(settings)) is not None:
        found["syslog collector"] = partial(peers.collector, collector)
    if settings.oidc_jwks_url is not None:
        found["OIDC keys"] = partial(peers.provider, settings.oidc_jwks_url, now)
    if settings.broker_url is not None:
        found["broker"] = partial(peers.broker, settings.broker_url)
    return found


def _known_peers(settings: Settings, database: Database, now: Callable[[], float]) -> dict[str, Check]:
    """Return a check for each modality and target that the database knows."""
    if not _has_database(settings):
        return {"peers": _left_out("modalities and targets")}
    try:
        require_current(database)
        with database.reading() as session:
            modalities = list(session.scalars(select(Modality).order_by(Modality.title)))
            targets = list(session.scalars(select(ConfiguredTarget).order_by(ConfiguredTarget.target)))
    except (Unavailable, SQLAlchemyError):
        return {"peers": lambda: [skipped("modalities and targets", "they stand in the database, which is not usable")]}
    found: dict[str, Check] = {f"modality {one.title}": partial(peers.modality, settings, one) for one in modalities}
    found |= {
        f"target {one.target}": partial(peers.target, one.target, one.profile, one.url, paused=one.paused, now=now)
        for one in targets
    }
    return found


def _has_database(settings: Settings) -> bool:
    return settings.database_url is not None or (settings.data / "api" / "neuronova.db").is_file()


def _left_out(name: str) -> Check:
    return lambda: [skipped(name, "there is nothing yet; the first start makes it")]


def _keys_of(settings: Settings) -> Mapping[str, Path]:
    keys = {
        "NEURONOVA_TLS_CERTIFICATE": settings.tls_key,
        "NEURONOVA_DICOM_TLS_CERTIFICATE": settings.dicom_tls_key,
        # A certificate's file may hold its key too.
        "NEURONOVA_SYSLOG_CERTIFICATE": settings.syslog_key or settings.syslog_certificate,
    }
    return {name: file for name, file in keys.items() if file is not None}
