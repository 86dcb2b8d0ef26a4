"""Orthanc as forwarding needs it, over loopback HTTP: what a series has, and a job that sends it (C-STORE SCU)."""

from __future__ import annotations

from collections.abc import Sequence

from cdss_api.orthanc import Orthanc, StoredFile
from neuronova.contract.modalities import name_in_orthanc
from neuronova.contract.priority import Priority

_SCU_TIMEOUT = 60  # seconds that a destination may take to answer one C-STORE
_PRIORITIES = {Priority.STAT: 30, Priority.ASAP: 20, Priority.URGENT: 10, Priority.ROUTINE: 0}


class NotKnown(Exception):
    """Orthanc has no such destination (yet)."""


class Sender(Orthanc):
    """A client of Orthanc."""

    def files(self, series: str) -> list[StoredFile]:
        """Return what a series has now; nothing where it is gone."""
        return self._files(f"/series/{series}")

    def begin(self, title: str, instances: Sequence[str], priority: Priority) -> str:
        """Have Orthanc send instances to an AE title; return the identifier of its job.

        Raises:
            NotKnown: its table does not have that title.
        """
        wanted = {
            "Resources": list(instances),
            "Asynchronous": True,
            "Permissive": False,
            "Priority": _PRIORITIES[priority],
            "Timeout": _SCU_TIMEOUT,
        }
        made = self._json("POST", f"/modalities/{name_in_orthanc(title)}/store", json=wanted)
        if made is None:
            raise NotKnown(title)
        return str(made["ID"])
