"""What a process does first: it says where its log lines and spans go."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from neuronova.contract.settings import Settings
from neuronova.telemetry import logs, spans
from neuronova.telemetry.redaction import Redaction, secrets_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Telemetry:
    """How a process tells of its work: see the settings of these names."""

    level: str
    form: str
    traces: str | None
    sample: float


def telemetry_of(settings: Settings) -> Telemetry:
    """Return what the settings say."""
    return Telemetry(
        level=settings.log_level, form=settings.log_form, traces=settings.traces, sample=settings.traces_sample
    )


def start(part: str, telemetry: Telemetry) -> Callable[[], None]:
    """Begin to tell, as `part`; return what sends the last spans, to be called at the end."""
    start_logs(part, telemetry)
    return start_traces(part, telemetry)


def start_traces(part: str, telemetry: Telemetry) -> Callable[[], None]:
    """Begin to tell by spans alone; after a fork, not before: a thread sends them. Return as `start` does."""
    if telemetry.traces is None:
        return _nothing
    from neuronova.telemetry.exporting import exporter

    take, end = exporter(part, telemetry.traces, telemetry.sample)
    spans.export_to(take)
    return end


def start_logs(part: str, telemetry: Telemetry) -> None:
    """Begin to tell by log lines alone."""
    redact = Redaction(secrets_of(os.environ))
    logs.send_to(logs.handler(part, telemetry.form, redact), telemetry.level)


def _nothing() -> None:
    """Send nothing: there is nothing to send."""
