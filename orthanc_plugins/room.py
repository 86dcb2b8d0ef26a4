"""Whether there is room for another object. A disk that is full to its end loses more than what it refuses."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700  # statuses of C-STORE (PS3.4 B.2.3)


_LOSING = ("MaximumStorageSize", "MaximumPatientCount", "OverwriteInstances")


def require_no_loss(configuration: Mapping[str, Any]) -> None:
    """Refuse settings by which Orthanc deletes the oldest patients, or replaces instances, asking nobody.

    Raises:
        ValueError: there is one.
    """
    for name in _LOSING:
        if configuration.get(name):
            raise ValueError(f"{name} would have Orthanc lose images that nobody deleted; it has to be 0 or false")


class Room:
    """The room that is left in a folder, beyond what indexes, journals and logs need to go on."""

    def __init__(self, folder: Path, reserve: int) -> None:
        self._folder = folder
        self._reserve = reserve  # bytes
        self._left = True

    def left(self) -> bool:
        """Tell whether another object may be stored."""
        disk = os.statvfs(self._folder)  # some microseconds
        left = disk.f_bavail * disk.f_frsize > self._reserve
        if left is not self._left:
            log.warning("storing goes on: there is room again" if left else "nothing is stored: the disk is full")
            self._left = left
        return left

    def on_cstore(self, _instance: object) -> int:
        """Answer a modality that sends an object: it keeps what is refused so, and sends it again later."""
        return SUCCESS if self.left() else OUT_OF_RESOURCES
