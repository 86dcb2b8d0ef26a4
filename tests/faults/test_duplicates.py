"""An instance that comes again: the same changes nothing, another is refused, counted and recorded, and never kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from neuronova.audit.search import Query, search
from neuronova.contract.audit import Action, Outcome, Record
from neuronova.contract.roles import Role
from orthanc_plugins.duplicates import OTHER_CONTENT, SUCCESS
from tests import debian13
from tests.access import http
from tests.faults.sending import send
from tests.gate.test_access import stow
from tests.server import Server, running, settings_for
from tests.synthetic import ct_slice, part10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(Server(settings_for(tmp_path_factory.mktemp("duplicates") / "data"))) as made:
        yield made


def stored(server: Server, dataset: Dataset) -> bytes:
    (found,) = http.post(f"{server.url}/tools/lookup", data=dataset.SOPInstanceUID).json()
    return bytes(http.get(f"{server.url}/instances/{found['ID']}/file").content)


def counted(server: Server) -> dict[str, float]:
    text = http.get(f"{server.url}/neuronova/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("neuronova_ingest_duplicates_total")]
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines}


def recorded(server: Server, dataset: Dataset) -> list[Record]:
    journal = server.settings.data / "audit" / "orthanc.db"
    query = Query(action=Action.STORE, study=str(dataset.StudyInstanceUID), outcome=Outcome.DENIED)
    return search([journal], query).records


def image(number: int) -> Dataset:
    return ct_slice(number, study=f"again {number}", series=f"again {number}")


def other(dataset: Dataset) -> Dataset:
    """Return other pixels under the same UIDs."""
    changed = deepcopy(dataset)
    changed.PixelData = bytes(byte ^ 1 for byte in dataset.PixelData)
    return changed


def test_the_same_again_changes_nothing_and_is_counted(server: Server) -> None:
    first = image(1)
    assert send(server, first) == SUCCESS
    before, file = counted(server).get("same", 0), stored(server, first)
    assert send(server, first) == SUCCESS
    assert counted(server)["same"] == before + 1
    assert stored(server, first) == file
    assert recorded(server, first) == []


def test_other_content_is_refused_and_recorded_with_both_digests(server: Server) -> None:
    first = image(2)
    assert send(server, first) == SUCCESS
    before, file = counted(server).get("other", 0), stored(server, first)
    assert send(server, other(first)) == OTHER_CONTENT
    assert counted(server)["other"] == before + 1
    assert stored(server, first) == file
    assert dcmread(BytesIO(file)).PixelData == first.PixelData
    (record,) = recorded(server, first)
    told = json.loads(record.event.detail)
    assert (record.event.reason, record.event.aet, told["answered"]) == ("other-content", "MODALITY", "refused")
    (found,) = http.post(f"{server.url}/tools/lookup", data=first.SOPInstanceUID).json()
    assert told["kept_md5"] == http.get(f"{server.url}/instances/{found['ID']}/attachments/dicom/md5").text
    assert told["sent_md5"] not in ("", told["kept_md5"])


def test_a_changed_attribute_is_other_content(server: Server) -> None:
    first = image(3)
    assert send(server, first) == SUCCESS
    changed = deepcopy(first)
    changed.SeriesDescription = "another"
    assert send(server, changed) == OTHER_CONTENT


def test_what_came_by_another_way_is_the_same_object(server: Server) -> None:
    first = image(4)
    server.upload(part10(first))
    before = counted(server).get("same", 0)
    assert send(server, first) == SUCCESS
    assert counted(server)["same"] == before + 1


def test_the_same_in_another_transfer_syntax_is_not_taken_for_the_same(server: Server) -> None:
    first = image(5)
    assert first.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert send(server, first) == SUCCESS
    again = deepcopy(first)
    again.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert send(server, dcmread(BytesIO(part10(again)))) == OTHER_CONTENT


def test_by_http_what_is_there_stays_and_the_sender_is_told(server: Server) -> None:
    first = image(7)
    assert send(server, first) == SUCCESS
    file = stored(server, first)
    for again in (first, other(first)):
        answer = http.post(f"{server.url}/instances", data=part10(again))
        assert answer.json()["Status"] == "AlreadyStored"
        answer = stow(server, Role.RADIOLOGIST, again).json()
        # FailedSOPSequence; Debian 13's Orthanc says that it is stored (ReferencedSOPSequence), and keeps what it has.
        assert ("00081199" if debian13.is_chosen() else "00081198") in answer
    assert stored(server, first) == file


def test_a_site_may_have_it_answered_with_success(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("lenient") / "data"
    with running(Server(settings_for(data, NEURONOVA_DUPLICATES_REFUSED="no"))) as server:
        first = image(6)
        assert send(server, first) == SUCCESS
        file = stored(server, first)
        assert send(server, other(first)) == SUCCESS
        assert stored(server, first) == file
        (record,) = recorded(server, first)
        assert json.loads(record.event.detail)["answered"] == "success"
