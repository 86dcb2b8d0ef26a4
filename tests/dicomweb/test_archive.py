"""Finding an instance by its UIDs, whoever its patient is and wherever its files lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np
import pytest

from neuronova.platform.layout import REPOSITORY
from orthanc_plugins.stored import orthanc_identifier
from tests.access import http
from tests.dicomweb.wire import decoded, instance_path
from tests.server import Server, running, settings_for
from tests.synthetic import make, part10, uid, values

HTJ2K = {"Accept": "image/jphc"}
PATIENTS = ("plain", "", " padded ", "한글-1", "ÄÖÜ", "a|b", "x" * 64)


def test_orthancs_identifier_of_any_patient(server: Server) -> None:
    for number, patient in enumerate(PATIENTS):
        uids = {
            level: uid(f"{level} {number}") for level in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        }
        dataset = make("ct", PatientID=patient, **uids)
        server.upload(part10(dataset))
        url = f"{server.dicomweb}/{instance_path(dataset)}"
        assert http.get(f"{url}/frames/1", headers=HTJ2K).status_code == 200, patient
        assert len(http.get(f"{url.partition('/instances')[0]}/metadata").json()) == 1, patient


def test_identifier_is_that_of_the_book() -> None:
    # The example of the documentation of Orthanc: patient, study, series, instance.
    assert orthanc_identifier("") == "da39a3ee-5e6b4b0d-3255bfef-95601890-afd80709"


def test_the_same_uids_under_two_patients_are_nobodys(server: Server) -> None:
    """An instance of another patient is never shown in place of the one that was asked for."""
    first = make("ct", PatientID="FIRST")
    second = make("ct", PatientID="SECOND", SOPInstanceUID=uid("only the second has it"))
    server.upload(part10(first))
    server.upload(part10(second))
    for dataset in (first, second):
        url = f"{server.dicomweb}/{instance_path(dataset)}/frames/1"
        assert http.get(url, headers=HTJ2K).status_code == 200
    server.upload(part10(make("ct", PatientID="SECOND")))
    url = f"{server.dicomweb}/{instance_path(first)}/frames/1"
    assert http.get(url, headers=HTJ2K).status_code == 404


@pytest.fixture
def compressing(tmp_path: Path) -> Path:
    """Orthanc's settings with a storage area whose files cannot be read as they are."""
    text = (REPOSITORY / "orthanc.json").read_text()
    assert '"StorageCompression": false' in text
    path = tmp_path / "orthanc.json"
    path.write_text(text.replace('"StorageCompression": false', '"StorageCompression": true'))
    return path


def test_files_that_orthanc_keeps_compressed_are_asked_of_it(tmp_path: Path, compressing: Path) -> None:
    names = ("ct", "multiframe", "rgb_rle", "u8_htj2k201")
    with running(Server(settings_for(tmp_path / "data"), configuration=compressing)) as server:
        for name in names:
            server.upload(part10(make(name)))
        server.until_settled(len(names))
        assert server.outcomes() == {("encoded", ""): len(names)}
        for name in names:
            url = f"{server.dicomweb}/{instance_path(make(name))}"
            answer = http.get(f"{url}/frames/1", headers=HTJ2K)
            assert np.array_equal(decoded(answer.content, values(name)[0]), values(name)[0])
            raw = http.get(f"{url}/frames/1", headers={"Accept": "application/octet-stream"})
            assert raw.content == values(name)[0].tobytes()


def test_metadata_of_a_series_that_grows(server: Server) -> None:
    first = make("ct")
    path = instance_path(first).partition("/instances")[0]
    server.upload(part10(first))
    server.until_settled(1)
    assert len(http.get(f"{server.dicomweb}/{path}/metadata").json()) == 1
    second = server.upload(part10(make("ct", SOPInstanceUID=uid("late slice"))))
    assert len(http.get(f"{server.dicomweb}/{path}/metadata").json()) == 2
    http.delete(f"{server.url}/instances/{second}").raise_for_status()
    assert len(http.get(f"{server.dicomweb}/{path}/metadata").json()) == 1


def test_transcode_is_asked_for_known_instances_only(server: Server) -> None:
    url = f"{server.url}/neuronova/encode"
    for odd in ("{}", '{"instances": ["x"]}', '{"instances": 3}', "[]", "no JSON"):
        assert http.post(url, data=odd).status_code == 400
    assert http.get(url).status_code == 403


@pytest.mark.parametrize("through_gateway", [True, False])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"PatientName": "홍*"}, {"홍^길동"}),
        ({"PatientName": "*길*"}, {"홍^길동", "김^길수"}),
        ({"00100010": "김^길수", "includefield": "00081030"}, {"김^길수"}),
        ({"PatientName": "*길*", "limit": "1"}, 1),
        ({"PatientName": "*길*", "limit": "1", "offset": "2"}, 0),
        ({"PatientName": "박*"}, set()),
        ({"PatientName": "*길*", "StudyDate": "20240102"}, {"홍^길동", "김^길수"}),
        ({"PatientName": "*길*", "StudyDate": "20200102"}, set()),
        ({"PatientName": "J%C3%BCrgen*"}, set()),
        ({"PatientName": "Jürgen*"}, {"Jürgen^Ä"}),
    ],
)
def test_search_by_a_name_in_any_script(
    patients: Server, query: dict[str, str], expected: set[str] | int, through_gateway: bool
) -> None:
    encoded = urlencode(query, quote_via=quote)
    headers = {"X-Neuronova-Query": encoded} if through_gateway else {}
    found = http.get(f"{patients.dicomweb}/studies?{encoded}", headers=headers).json()
    names = {study["00100010"]["Value"][0]["Alphabetic"] for study in found}
    assert (len(names) if isinstance(expected, int) else names) == expected


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Patients whose names are written in several scripts."""
    with running(Server(settings_for(tmp_path_factory.mktemp("patients") / "data"))) as one:
        for name in ("홍^길동", "김^길수", "Jürgen^Ä", "Plain^Jane"):
            uids = {
                level: uid(f"{level} {name}") for level in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
            }
            one.upload(part10(make("ct", PatientID=name, PatientName=name, **uids)))
        yield one
