"""Who may associate, and for what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ModalityWorklistInformationFind,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from neuronova.contract.grants import ModalityChange, Operation
from neuronova.contract.roles import Role
from tests.access import HEADER, accounts, modality, token
from tests.gate.people import SEEN, of
from tests.patience import PATIENCE
from tests.server import Server, running, settings_for, until

QUERY = {
    Operation.FIND: StudyRootQueryRetrieveInformationModelFind,
    Operation.MOVE: StudyRootQueryRetrieveInformationModelMove,
    Operation.GET: StudyRootQueryRetrieveInformationModelGet,
}
FAILED = 0xC000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    known = [
        *accounts(doctor=[SEEN]),
        modality("HOSPITAL_CT", Operation.STORE, issuer="HOSPITAL"),
        *(modality(f"ONLY_{operation.name}", operation) for operation in Operation),
        replace(modality("ELSEWHERE", *Operation), host="192.0.2.1"),
    ]
    with running(Server(settings_for(tmp_path_factory.mktemp("dimse") / "data"), known=known)) as one:
        titles = [change.title for change in known if isinstance(change, ModalityChange)]
        until(lambda: len(one.get("/modalities")) == len(titles), "Orthanc has the table")
        yield one


def associated(server: Server, title: str, *contexts: str) -> bool:
    entity = AE(ae_title=title)
    association = entity.associate(
        "127.0.0.1",
        server.settings.dicom_port,
        contexts=[build_context(one) for one in (Verification, *contexts)],
        ae_title=server.settings.aet,
    )
    established = bool(association.is_established)
    association.release()
    return established


@pytest.mark.parametrize(("title", "let_in"), [("HOSPITAL_CT", True), ("STRANGER", False), ("ELSEWHERE", False)])
def test_strangers_are_refused(server: Server, title: str, let_in: bool) -> None:
    assert associated(server, title) is let_in


@pytest.mark.parametrize("operation", QUERY)
@pytest.mark.parametrize("title", [f"ONLY_{operation.name}" for operation in Operation if operation != "worklist"])
def test_each_operation_is_allowed_on_its_own(server: Server, title: str, operation: Operation) -> None:
    entity = AE(ae_title=title)
    entity.dimse_timeout = PATIENCE
    association = entity.associate(
        "127.0.0.1",
        server.settings.dicom_port,
        contexts=[build_context(QUERY[operation])],
        ae_title=server.settings.aet,
    )
    allowed = title == f"ONLY_{operation.name}"
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", "1.2.3"
    statuses = []
    if association.is_established:
        send: dict[Operation, Callable[[], Iterator[Any]]] = {
            Operation.FIND: lambda: association.send_c_find(query, QUERY[operation]),
            Operation.GET: lambda: association.send_c_get(query, QUERY[operation]),
            Operation.MOVE: lambda: association.send_c_move(query, title, QUERY[operation]),
        }
        statuses = [status.Status for status, _ in send[operation]() if "Status" in status]
        association.release()
    # There is no such study: C-GET and C-MOVE fail, but are answered; what is not allowed ends the association.
    assert bool(statuses) is allowed


def test_only_a_worklist_reader_reads_the_worklist(server: Server) -> None:
    assert associated(server, "ONLY_WORKLIST", ModalityWorklistInformationFind)


def test_a_sender_has_its_issuer(server: Server) -> None:
    dataset = of("KIM", "sent without issuer")
    del dataset.IssuerOfPatientID
    entity = AE(ae_title="HOSPITAL_CT")
    association = entity.associate(
        "127.0.0.1",
        server.settings.dicom_port,
        contexts=[build_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)],
        ae_title=server.settings.aet,
    )
    assert association.send_c_store(dataset).Status == 0
    association.release()
    import requests

    headers = {HEADER: token(Role.DOCTOR)}
    url = f"{server.dicomweb}/studies/{dataset.StudyInstanceUID}/metadata"
    assert requests.get(url, headers=headers, timeout=PATIENCE).status_code == 200
