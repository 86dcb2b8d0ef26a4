"""Whether modalities can be called by TLS: with a certificate of ours alone (PS3.15 B.1)."""

from __future__ import annotations

from neuronova.contract.settings import Settings

MISSING = "has to be called by TLS, for which NEURONOVA_DICOM_TLS_CERTIFICATE, _KEY and _CA are to be set first"


def may_be_called(settings: Settings, *, tls: bool) -> bool:
    """Tell whether a modality can be called so."""
    return not tls or settings.dicom_tls_certificate is not None
