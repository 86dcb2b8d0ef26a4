"""When the platform does all of its work again."""

from __future__ import annotations

import time

import requests

from proof.hospital import MODALITIES, Hospital
from proof.parts import PARTS
from tests.jobs.hospital import is_let_in

DEADLINE = 300.0  # seconds
_PROGRAMS = ("orthanc", "api", "notifications", "worker", "audit keeper", "inference", "gateway")
_LOOK = 0.25


def recover(hospital: Hospital) -> float | None:
    """Wait until the platform works again; return the seconds that it took, or nothing if it did not in time."""
    began = time.monotonic()
    while time.monotonic() - began < DEADLINE:
        hospital.revive()
        if works(hospital):
            return time.monotonic() - began
        time.sleep(_LOOK)
    return None


def works(hospital: Hospital) -> bool:
    """Tell whether all programs run and say that they are well, and DICOM, DICOMweb and the API answer."""
    platform = hospital.platform
    admin = hospital.person("admin")
    try:
        return (
            all(platform.pid_of(PARTS[one]) for one in _PROGRAMS)
            and platform.healthy()
            and is_let_in(platform, MODALITIES[0])
            and admin.ask("GET", "/dicom-web/studies?limit=1").status_code in (200, 204)
            and admin.ask("GET", "/api/v1/reading?limit=1").status_code == requests.codes.ok
        )
    except (OSError, requests.RequestException):
        return False
