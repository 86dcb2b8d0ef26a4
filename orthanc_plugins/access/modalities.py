"""Orthanc's own table of modalities, which follows the ledger's: who is not in it is refused."""

from __future__ import annotations

import json
import logging
import threading

from neuronova.contract.grants import ModalityChange, Operation
from neuronova.contract.modalities import name_in_orthanc
from orthanc_plugins.access.ledger import Ledger
from orthanc_plugins.sdk import Sdk

log = logging.getLogger(__name__)

_ALLOWS = {
    # Whoever stores may ask whether it is kept, and tell whether it keeps what it was sent (PS3.4 Annex J).
    Operation.STORE: ("AllowStore", "AllowNAction", "AllowEventReport"),
    Operation.FIND: ("AllowFind",),
    Operation.WORKLIST: ("AllowFindWorklist",),
    Operation.MOVE: ("AllowMove",),
    Operation.GET: ("AllowGet",),
    Operation.MPPS: (),  # the API hears it (docs/worklist.md)
}
_NEVER = ("AllowTranscoding",)


class Modalities:
    """Writes what differs; Orthanc keeps its table in its database."""

    def __init__(self, sdk: Sdk, ledger: Ledger, issuer: str | None) -> None:
        self._sdk = sdk
        self._ledger = ledger
        self._default_issuer = issuer
        self._lock = threading.Lock()

    def issuer(self, title: str) -> str | None:
        """Return the issuer of the PatientIDs that an AE title sends without one."""
        known = self._ledger.modalities.get(title)
        return (known and known.issuer) or self._default_issuer

    def daily_limit(self, title: str) -> int | None:
        """Return how many bytes an AE title may store in a day; None for as many as it sends."""
        known = self._ledger.modalities.get(title)
        return None if known is None or known.daily_mib is None else known.daily_mib << 20

    def follow(self) -> None:
        """Bring Orthanc's table to the ledger's."""
        with self._lock:
            wanted = {name_in_orthanc(title): modality for title, modality in self._ledger.modalities.items()}
            present = json.loads(self._sdk.RestApiGet("/modalities?expand"))
            for name in set(present) - set(wanted):
                log.info("modality %s is refused from now on", name)
                self._sdk.RestApiDelete(f"/modalities/{name}")
            for name, modality in wanted.items():
                described = describe(modality)
                known = present.get(name, {})
                if {key: known.get(key) for key in described} != described:
                    self._sdk.RestApiPut(f"/modalities/{name}", json.dumps(described).encode())


def describe(modality: ModalityChange) -> dict[str, object]:
    """Return the modality as Orthanc writes it down."""
    allowed = {name for operation in modality.operations for name in _ALLOWS[operation]}
    rights = [name for names in _ALLOWS.values() for name in names]
    return {
        "AET": modality.title,
        "Host": modality.host,
        "Port": modality.port,
        "UseDicomTls": modality.tls,
        "AllowEcho": True,
        **{name: name in allowed for name in rights},
        **dict.fromkeys(_NEVER, False),
    }
