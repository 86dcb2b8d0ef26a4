"""C-ECHO (DICOM PS3.4 Annex A, Verification): whether a modality answers us by our own AE title."""

from __future__ import annotations

import time

from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

TIMEOUT = 5.0  # seconds, for each of connecting, associating and asking


class NoAnswer(Exception):
    """It does not answer a C-ECHO; the text says at which step."""


def echo(ours: str, title: str, host: str, port: int, timeout: float = TIMEOUT) -> float:
    """Ask `title` at `host` and `port` in the name of the AE title `ours`; return how many seconds it took.

    Raises:
        NoAnswer: it cannot be reached, refuses the association, or does not answer with success.
    """
    began = time.monotonic()
    entity = AE(ae_title=ours)
    entity.add_requested_context(Verification)
    entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = entity.network_timeout = timeout
    association = entity.associate(host, port, ae_title=title)
    if association.is_rejected:
        raise NoAnswer(f"refuses the association of {ours} at {host}:{port}")
    if not association.is_established:
        raise NoAnswer(f"does not answer a C-ECHO at {host}:{port}")
    try:
        status = association.send_c_echo().get("Status")
    finally:
        association.release()
    if status != 0:
        told = "nothing" if status is None else f"0x{status:04X}"
        raise NoAnswer(f"does not answer a C-ECHO at {host}:{port} with success, but with {told}")
    return time.monotonic() - began
