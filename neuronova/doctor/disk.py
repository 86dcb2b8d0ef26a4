"""The data folder's disk: what is free of it, and how long it takes until something is really on it."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median

from cdss_api.health.checks import UnhealthyError, check_data
from neuronova.doctor.finding import Finding, failed, ok, warning

_FEW_INODES = 0.05  # of all
_FULL = 0.8  # as the alert rule
_SLOW_SYNC = 0.05  # seconds: each audit record and each stored image waits for at least one
_SYNCS = 15


def look_at_disk(folder: Path, reserve: int) -> list[Finding]:
    """Look at the disk of a folder that is there; `reserve` bytes are kept free."""
    found = [_space(folder, reserve), inodes(os.statvfs(folder))]
    return [*found, sync_speed(_syncs(folder))] if os.access(folder, os.W_OK) else found


def _space(folder: Path, reserve: int) -> Finding:
    try:
        free = check_data(folder, reserve)["free_bytes"]
    except UnhealthyError as full:
        return failed("space", str(full), "make room, or move the data folder to a larger disk (docs/runbooks.md)")
    status = os.statvfs(folder)
    used = 1 - status.f_bavail / max(status.f_blocks, 1)
    told = f"{free / 2**30:.1f} GiB free, {used:.0%} used"
    if used > _FULL:
        return warning("space", told, "plan for more: nothing is stored once the reserve is reached (docs/runbooks.md)")
    return ok("space", told)


def inodes(status: os.statvfs_result) -> Finding:
    """Judge how many files the disk can still take; some kinds of disks have no limit."""
    if status.f_files == 0:
        return ok("inodes", "without a limit")
    told = f"{status.f_favail:,} of {status.f_files:,} free"
    if status.f_favail < _FEW_INODES * status.f_files:
        return failed(
            "inodes", told, "each image needs two: remove small files, or make the file system anew with more"
        )
    return ok("inodes", told)


def sync_speed(seconds: list[float]) -> Finding:
    """Judge how long each of several writes took to be on the disk (fsync(2))."""
    middle = median(seconds)
    told = f"a small file is on disk in {middle * 1000:.1f} ms (worst {max(seconds) * 1000:.1f} ms)"
    if middle > _SLOW_SYNC:
        return warning("fsync", told, "images and audit records wait for it: use an SSD, or a local disk for a share")
    return ok("fsync", told)


def _syncs(folder: Path) -> list[float]:
    taken = []
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        for _ in range(_SYNCS):
            began = time.monotonic()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.monotonic() - began)
    return taken
