"""C-ECHO (DICOM PS3.4 Annex A, Verification): whether a modality answers us by our own AE title."""

from __future__ import annotations

import ssl
import time

from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from cdss_api.modalities.secured import MISSING, may_be_called
from neuronova.contract.grants import ModalityChange
from neuronova.contract.settings import Settings

TIMEOUT = 5.0  # seconds, for each of connecting, associating and asking


class NoAnswer(Exception):
    """It does not answer a C-ECHO; the text says at which step."""


def echo(settings: Settings, whom: ModalityChange, timeout: float = TIMEOUT) -> float:
    """Ask a modality in the name of our AE title, by TLS where it is called so; return how many seconds it took.

    Raises:
        NoAnswer: it cannot be reached or called so, refuses the association, or does not answer with success.
    """
    began = time.monotonic()
    ours, host, port = settings.aet, str(whom.host), whom.port
    tls = _tls(settings) if whom.tls else None
    entity = AE(ae_title=ours)
    entity.add_requested_context(Verification)
    entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = entity.network_timeout = timeout
    association = entity.associate(host, port, ae_title=whom.title, tls_args=None if tls is None else (tls, host))
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


def _tls(settings: Settings) -> ssl.SSLContext:
    """Return by what Orthanc calls it, too: both sides show a certificate (IHE ATNA)."""
    if not may_be_called(settings, tls=True):
        raise NoAnswer(MISSING)
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=settings.dicom_tls_ca)
        # It is known by its address: its authority says that it is a modality.
        context.check_hostname = False
        context.load_cert_chain(str(settings.dicom_tls_certificate), settings.dicom_tls_key)
    except OSError as error:
        raise NoAnswer(f"is called by TLS, and our certificate cannot be used ({error.strerror or error})") from None
    return context
