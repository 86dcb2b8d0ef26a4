"""The API's figures, group by group, from the functions that its own pages show them by."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from cryptography import x509
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cdss_api.imaging.mismatches import held
from cdss_api.jobs.overview import overview
from cdss_api.jobs.states import State as JobState
from cdss_api.metrics.figures import Figures, Group, gauge, gauges
from cdss_api.metrics.outbox import outbox
from cdss_api.metrics.retention import retention
from cdss_api.mpps.models import PerformedStep
from cdss_api.mpps.steps import StepStatus
from cdss_api.reading.waiting import unreported
from cdss_api.service import Service
from neuronova.audit.forward import Collector, collector_of
from neuronova.audit.soundness import read_soundness
from neuronova.audit.status import status_of
from neuronova.audit.trail import Trail
from neuronova.contract.settings import Settings


def groups_of(service: Service) -> dict[str, Group]:
    """Return every group by its name."""
    settings = service.settings

    def asked(figures: Callable[[Session, float], Figures]) -> Figures:
        with service.database.reading() as session:
            return figures(session, service.now())

    return {
        "outbox": partial(asked, outbox),
        "jobs": partial(asked, partial(jobs, most=settings.ai_in_flight)),
        "reading": partial(asked, reading),
        "retention": partial(asked, retention),
        "audit": partial(audit, Trail(settings.data), collector_of(settings), service.now),
        "certificates": partial(certificates, certificates_of(settings)),
        "data": partial(disk, settings.data),
    }


def jobs(session: Session, now: float, *, most: int) -> Figures:
    """Return the models' jobs by state, and how long models took: of the last 7 days, and what is open."""
    found = overview(session, now, most)
    counted = {one["state"]: one for one in found["states"]}
    counts = {(state.value,): float(counted[state]["count"]) if state in counted else 0.0 for state in JobState}
    oldest = {(state,): one["oldest_seconds"] for state, one in counted.items() if one["oldest_seconds"] is not None}
    timed = [one for one in found["models"] if one["count"]]
    seconds = {(one["model"], name): one[of] for one in timed for name, of in (("0.5", "median"), ("0.95", "p95"))}
    return [
        gauges("neuronova_ai_jobs", "Models' jobs by state: open ones, and others of 7 days", ["state"], counts),
        gauges("neuronova_ai_jobs_oldest_seconds", "Age of the oldest open job by state", ["state"], oldest),
        gauge("neuronova_ai_in_flight", "Jobs that the inference service has", float(found["in_flight"])),
        gauges(
            "neuronova_ai_model_seconds",
            "Time that a model took within the last 7 days: its median and 95th percentile",
            ["model", "quantile"],
            seconds,
        ),
    ]


def reading(session: Session, now: float) -> Figures:
    """Return the studies that wait for a report, those that do not fit their order, and the steps that go on."""
    begun = select(func.count()).select_from(PerformedStep).where(PerformedStep.status == StepStatus.IN_PROGRESS)
    return [
        gauge("neuronova_studies_unreported", "Studies without a signed report", float(unreported(session, now))),
        gauge("neuronova_steps_in_progress", "Steps that modalities began (MPPS)", float(session.scalar(begun) or 0)),
        gauge("neuronova_mismatches_held", "Studies that are held for a decision", float(held(session))),
    ]


def audit(trail: Trail, collector: Collector | None, now: Callable[[], float]) -> Figures:
    """Return how far the audit trail is signed and forwarded, and what its last verification found."""
    status, soundness = status_of(trail, collector), read_soundness(trail)
    found = [
        gauge("neuronova_audit_unsigned_records", "Records after the last checkpoint", float(status.unsigned.records)),
        gauge("neuronova_audit_unsigned_seconds", "Age of the oldest of them", status.unsigned.seconds(now())),
    ]
    if status.unsent is not None:
        found += [
            gauge("neuronova_audit_unsent_records", "Records that the collector lacks", float(status.unsent.records)),
            gauge("neuronova_audit_unsent_seconds", "Age of the oldest of them", status.unsent.seconds(now())),
        ]
    if soundness is not None:
        found += [
            gauge("neuronova_audit_faults", "What the last verification found wrong", float(soundness.faulty)),
            gauge("neuronova_audit_verified_timestamp_seconds", "When the trail was verified", soundness.time),
            gauge("neuronova_audit_verified_records", "Records that were verified then", float(soundness.records)),
        ]
    return found


def certificates_of(settings: Settings) -> dict[str, Path]:
    """Return the files of certificates that settings name, by the setting."""
    named = {
        "NEURONOVA_SYSLOG_CA": settings.syslog_ca,
        "NEURONOVA_SYSLOG_CERTIFICATE": settings.syslog_certificate,
        "NEURONOVA_SMTP_CA": settings.smtp_ca,
        "NEURONOVA_TLS_CERTIFICATE": settings.tls_certificate,
        "NEURONOVA_DICOM_TLS_CERTIFICATE": settings.dicom_tls_certificate,
        "NEURONOVA_DICOM_TLS_CA": settings.dicom_tls_ca,
    }
    return {name: file for name, file in named.items() if file is not None}


def certificates(files: Mapping[str, Path]) -> Figures:
    """Return when the first certificate of each file expires; 0 for a file that cannot be read, so that it alarms."""
    expiry = {(name,): _expiry(file) for name, file in files.items()}
    meaning = "When the first certificate of a setting's file expires"
    return [gauges("neuronova_certificate_expiry_timestamp_seconds", meaning, ["setting"], expiry)]


def _expiry(file: Path) -> float:
    try:
        return min(one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(file.read_bytes()))
    except (OSError, ValueError):
        return 0.0


def disk(folder: Path) -> Figures:
    """Return the size of the data folder's disk, and what is free of it."""
    usage = shutil.disk_usage(folder)
    return [
        gauge("neuronova_data_bytes", "Size of the data folder's disk", float(usage.total)),
        gauge("neuronova_data_free_bytes", "What is free of it", float(usage.free)),
    ]
