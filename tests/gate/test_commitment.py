"""Storage commitment (PS3.4 Annex J) by Orthanc: a modality asks whether what it sent is kept, and is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from neuronova.contract.grants import Change, ModalityChange, Operation
from orthanc_plugins.access.modalities import describe
from tests.access import accounts
from tests.patience import PATIENCE
from tests.server import Server, free_ports, running, settings_for, until
from tests.synthetic import ct_slice

NO_SUCH_OBJECT = 0x0112


@dataclass
class Scanner:
    """The modality as the answer reaches it: N-EVENT-REPORT comes over an association of its own."""

    title: str
    port: int
    told: list[tuple[int, Dataset]] = field(default_factory=list)
    heard: threading.Event = field(default_factory=threading.Event)

    def on_report(self, event: Any) -> tuple[int, None]:
        self.told.append((event.event_type, event.event_information))
        self.heard.set()
        return 0x0000, None


def ask(server: Server, title: str, uids: list[str]) -> int:
    """Ask for a commitment to CT images; return the status of N-ACTION, 0 where no association came about."""
    entity = AE(ae_title=title)
    entity.dimse_timeout = PATIENCE
    association = entity.associate(
        "127.0.0.1",
        server.settings.dicom_port,
        contexts=[build_context(StorageCommitmentPushModel)],
        ae_title=server.settings.aet,
        ext_neg=[build_role(StorageCommitmentPushModel, scu_role=True, scp_role=False)],
    )
    assert association.is_established
    asked = Dataset()
    asked.TransactionUID = generate_uid()
    asked.ReferencedSOPSequence = []
    for uid in uids:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CTImageStorage, uid
        asked.ReferencedSOPSequence.append(item)
    try:
        status, _ = association.send_n_action(asked, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
        return int(status.get("Status", -1))
    finally:
        association.release()


@pytest.fixture(scope="module")
def scanner() -> Iterator[Scanner]:
    made = Scanner("SCANNER", free_ports(1)[0])
    entity = AE(ae_title=made.title)
    entity.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
    handlers: list[Any] = [(evt.EVT_N_EVENT_REPORT, made.on_report)]
    listening = entity.start_server(("127.0.0.1", made.port), block=False, evt_handlers=handlers)
    assert listening is not None
    yield made
    listening.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, scanner: Scanner) -> Iterator[Server]:
    def known(title: str, operation: Operation) -> ModalityChange:
        return ModalityChange(title=title, host="127.0.0.1", port=scanner.port, operations=(operation,), issuer=None)

    changes: list[Change] = [*accounts(), known("SCANNER", Operation.STORE), known("ASKER", Operation.FIND)]
    with running(Server(settings_for(tmp_path_factory.mktemp("commitment") / "data"), known=changes)) as made:
        until(lambda: len(made.get("/modalities")) == 5, "Orthanc has the table")
        yield made


def test_what_is_stored_is_committed_to_and_what_is_not_is_named(server: Server, scanner: Scanner) -> None:
    images = [ct_slice(number, rows=16, columns=16, study="committed") for number in (1, 2)]
    server.send(*images)
    stored, missing = [str(one.SOPInstanceUID) for one in images], str(generate_uid())

    assert ask(server, "SCANNER", stored) == 0x0000
    assert scanner.heard.wait(60)
    (kind, told) = scanner.told.pop()
    assert kind == 1  # all are kept, PS3.4 J.3.3
    assert [item.ReferencedSOPInstanceUID for item in told.ReferencedSOPSequence] == stored

    scanner.heard.clear()
    assert ask(server, "SCANNER", [stored[0], missing]) == 0x0000
    assert scanner.heard.wait(60)
    (kind, told) = scanner.told.pop()
    assert kind == 2  # there are failures
    assert [item.ReferencedSOPInstanceUID for item in told.ReferencedSOPSequence] == stored[:1]
    assert [(one.ReferencedSOPInstanceUID, one.FailureReason) for one in told.FailedSOPSequence] == [
        (missing, NO_SUCH_OBJECT)
    ]


def test_orthanc_keeps_what_was_written(server: Server) -> None:
    """Else each change of an account would have the whole table written anew."""
    table = {one["AET"]: one for one in server.get("/modalities?expand").values()}
    described = [describe(known) for known in server.known or [] if isinstance(known, ModalityChange)]
    assert len(described) == len(table)
    assert all(table[str(one["AET"])].items() >= one.items() for one in described)
    assert {title for title, one in table.items() if one["AllowNAction"]} == set(table) - {"ASKER"}


def test_who_may_not_store_is_told_nothing(server: Server, scanner: Scanner) -> None:
    scanner.heard.clear()
    assert ask(server, "ASKER", [str(generate_uid())]) != 0x0000
    assert not scanner.told
