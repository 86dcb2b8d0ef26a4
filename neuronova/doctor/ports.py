"""Ports: ours where the platform runs, and free where it does not."""

from __future__ import annotations

from collections.abc import Collection

from neuronova.contract.orthancs import name_of
from neuronova.contract.settings import Settings
from neuronova.doctor.finding import Finding, failed, ok
from neuronova.platform.errors import PlatformError
from neuronova.platform.parts import parts_of
from neuronova.platform.preflight import check_port, ports_of

_OWNERS = {
    "NEURONOVA_HTTP_PORT": "viewer",
    "NEURONOVA_HTTPS_PORT": "viewer",
    # Anybody's DICOM server answers: it is ours where our Orthanc runs.
    "NEURONOVA_DICOM_PORT": "orthanc",
    "NEURONOVA_MPPS_PORT": "mpps",
    "NEURONOVA_ORTHANC_PORT": "orthanc",
    "NEURONOVA_API_PORT": "api",
    "NEURONOVA_INFERENCE_PORT": "inference",
    "NEURONOVA_NOTIFICATIONS_PORT": "notifications",
}


def answering(settings: Settings) -> frozenset[str]:
    """Return the names of the platform's parts that answer."""
    return frozenset(part.name for part in parts_of(settings) if part.program != "worker" and part.answers())


def look_at_ports(settings: Settings, parts: Collection[str]) -> list[Finding]:
    """Look at each port; `parts` are those that answer."""
    found = []
    for variable, address, port in ports_of(settings):
        owner = _owner(settings, variable, port)
        if owner in parts:
            found.append(ok(variable, f"{port}: ours ({owner})"))
            continue
        try:
            check_port(variable, address, port)
        except PlatformError as taken:
            found.append(failed(variable, str(taken).partition("; ")[0], _advice(str(taken), parts, owner)))
        else:
            found.append(_free(variable, port, owner, running=bool(parts)))
    return found


def _owner(settings: Settings, variable: str, port: int) -> str:
    """Return the part that a port belongs to; of several Orthancs each has two."""
    further = (name_of(number) for number, doors in enumerate(settings.more_orthancs, start=2) if port in doors)
    return next(further) if variable == "NEURONOVA_MORE_ORTHANCS" else _OWNERS[variable]


def _free(variable: str, port: int, owner: str, *, running: bool) -> Finding:
    if running:
        return failed(variable, f"{port}: {owner} does not answer, though other parts run", f"see {owner}'s log")
    return ok(variable, f"{port}: free")


def _advice(message: str, parts: Collection[str], owner: str) -> str:
    advice = message.partition("; ")[2]
    return f"see {owner}'s log, or {advice}" if parts else f"{advice}, or end what holds it"
