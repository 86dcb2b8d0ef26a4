"""Another archive: it keeps what it is sent, and answers storage commitments (PS3.4 Annex J) by N-EVENT-REPORT."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from tests.patience import PATIENCE
from tests.server import Server

NO_SUCH_OBJECT = 0x0112
_COMMITTED, _FAILURES_EXIST = 1, 2


@dataclass
class OtherArchive:
    """It keeps the SOPInstanceUIDs `kept`; `silent` takes a question and never answers it."""

    server: Server
    port: int
    title: str = "ARCHIVE"
    kept: set[str] = field(default_factory=set)
    silent: bool = False
    asked: list[list[str]] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)

    @contextmanager
    def up(self) -> Iterator[OtherArchive]:
        """Answer for the length of a block."""
        entity = AE(ae_title=self.title)
        entity.add_supported_context(StorageCommitmentPushModel)
        handlers: list[Any] = [(evt.EVT_N_ACTION, self._on_action)]
        listening = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        assert listening is not None
        try:
            yield self
        finally:
            listening.shutdown()

    def _on_action(self, event: Any) -> tuple[int, None]:
        wanted = [str(one.ReferencedSOPInstanceUID) for one in event.action_information.ReferencedSOPSequence]
        self.asked.append(wanted)
        if not self.silent:
            threading.Thread(target=self._report, args=(event.action_information,), daemon=True).start()
        return 0x0000, None

    def _report(self, asked: Dataset) -> None:
        told = Dataset()
        told.TransactionUID = asked.TransactionUID
        items = list(asked.ReferencedSOPSequence)
        told.ReferencedSOPSequence = [one for one in items if one.ReferencedSOPInstanceUID in self.kept]
        failed = [one for one in items if one.ReferencedSOPInstanceUID not in self.kept]
        for one in failed:
            one.FailureReason = NO_SUCH_OBJECT
        if failed:
            told.FailedSOPSequence = failed
        entity = AE(ae_title=self.title)
        entity.dimse_timeout = entity.acse_timeout = PATIENCE
        association = entity.associate(
            "127.0.0.1",
            self.server.settings.dicom_port,
            contexts=[build_context(StorageCommitmentPushModel)],
            ae_title=self.server.settings.aet,
            ext_neg=[build_role(StorageCommitmentPushModel, scp_role=True)],
        )
        if association.is_established:
            kind = _FAILURES_EXIST if failed else _COMMITTED
            status, _ = association.send_n_event_report(
                told, kind, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
            )
            self.answered.append(status.Status)
            association.release()
