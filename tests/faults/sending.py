"""One object by C-STORE, and what the archive answers."""

from __future__ import annotations

from pydicom import Dataset
from pynetdicom import AE, build_context

from tests.server import Server


def send(server: Server, dataset: Dataset, title: str = "MODALITY") -> int:
    """Send an object; return the status of the answer (PS3.4 B.2.3)."""
    context = build_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association = server.associate(AE(ae_title=title), [context])
    try:
        return int(association.send_c_store(dataset).Status)
    finally:
        association.release()
