"""Nothing of the stock plugin is lost: it and we are asked the same, and each intended difference has its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
import requests
from pydicom import Dataset, dcmread

from orthanc_plugins.workers.windows import EXPLANATION, WINDOW_CENTER, WINDOW_EXPLANATION, WINDOW_WIDTH
from tests.access import http
from tests.dicomweb.wire import Part, instance_path, parts
from tests.server import STOCK_ROOT, Server
from tests.synthetic import IMAGES, KINDS, ct_slice, part10

XML = 'multipart/related; type="application/dicom+xml"'
DICOM = 'multipart/related; type="application/dicom"'
OCTETS = 'multipart/related; type="application/octet-stream"'


@dataclass(frozen=True)
class Difference:
    """An intended difference: `applies` to a request, the stock answer and ours."""

    reason: str
    applies: Callable[[str, str | None, requests.Response, requests.Response], bool]


def is_frames(path: str) -> bool:
    return "/frames/" in path and not path.endswith("/rendered")


def is_refused(stock: requests.Response, ours: requests.Response) -> bool:
    """Whether we refuse, as nobody's, a route that the stock plugin fails at as well."""
    return stock.status_code >= 400 and ours.status_code == 403 and ours.json()["code"] == "route-unknown"


DIFFERENCES = (
    Difference(
        "what DICOMweb does not name is refused to everybody before anything looks at it, by default deny",
        lambda _path, _accept, stock, ours: is_refused(stock, ours),
    ),
    Difference(
        "frames: transfer-syntax=* gives HTJ2K, as stored here",
        lambda path, accept, _stock, ours: is_frames(path) and "=*" in (accept or "") and "jphc" in content_type(ours),
    ),
    Difference(
        "frames: what the stock plugin refuses or fails at is decoded: a single part, JPEG 2000, ...",
        lambda path, _accept, stock, ours: (
            is_frames(path) and stock.status_code in (400, 500) and ours.status_code == 200
        ),
    ),
    Difference(
        "frames: what does not exist is 400 or 404, where the stock plugin fails with 500 as well",
        lambda path, _accept, stock, ours: (
            is_frames(path) and stock.status_code in (400, 500) and ours.status_code in (400, 404)
        ),
    ),
    Difference(
        "frames and objects: what cannot be given is 406 (PS3.18 8.7.4), not 400",
        lambda path, _accept, stock, ours: stock.status_code in (400, 500) and ours.status_code == 406,
    ),
    Difference(
        "objects: an instance can come as a single part (PS3.18 8.7.3.1), and JPEG 2000 and the like in Explicit VR",
        lambda path, _accept, stock, ours: (
            path.rpartition("/")[0].endswith("instances")
            and stock.status_code in (400, 500)
            and ours.status_code == 200
        ),
    ),
    Difference(
        "rendered and thumbnail: another renderer; JPEG 2000 can be rendered; Debian 12 knows no thumbnail",
        lambda path, _accept, stock, ours: (
            path.endswith(("/rendered", "/thumbnail"))
            and ours.status_code == 200
            and (stock.status_code != 200 or content_type(stock) == content_type(ours))
        ),
    ),
)


def content_type(answer: requests.Response) -> str:
    return answer.headers.get("Content-Type", "").partition("; boundary")[0]


def ask(server: Server, path: str, accept: str | None) -> tuple[requests.Response, requests.Response]:
    """Ask the stock plugin and us the same."""
    headers = {"Accept": accept}
    stock = http.get(f"{server.stock}/{path}", headers=headers)
    ours = http.get(f"{server.dicomweb}/{path}", headers=headers)
    return stock, ours


def comparable(server: Server, answer: requests.Response) -> Any:
    """Return what has to be the same: addresses of the public root, JSON parsed, objects as datasets."""
    content = answer.content.replace(f"{server.url}{STOCK_ROOT}".encode(), server.dicomweb.encode())
    if answer.status_code >= 400:
        return answer.status_code
    if "json" in content_type(answer):
        return content_type(answer), without_added(json.loads(content))
    # Newer stock plugins read files in several threads and answer in the order in which they are done.
    return sorted((comparable_part(server, part) for part in parts(answer)), key=repr)


def without_added(items: Any) -> Any:
    """Leave out what only series and study metadata of ours name: Available Transfer Syntax UID, a derived window."""
    if not isinstance(items, list):
        return items
    added = {"00083002"}
    if any(item.get(WINDOW_EXPLANATION, {}).get("Value") == [EXPLANATION] for item in items):
        added |= {WINDOW_CENTER, WINDOW_WIDTH, WINDOW_EXPLANATION}
    shown = [{tag: value for tag, value in item.items() if tag not in added} for item in items]
    return sorted(shown, key=repr)


def comparable_part(server: Server, part: Part) -> Any:
    location = (part.location or "").replace(f"{server.url}{STOCK_ROOT}", server.dicomweb)
    body = part.body.replace(f"{server.url}{STOCK_ROOT}".encode(), server.dicomweb.encode())
    if part.media_type != "application/dicom":
        return part.content_type, location, body
    dataset = dcmread(BytesIO(body))
    return dataset.file_meta.TransferSyntaxUID, comparable_dataset(dataset)


def comparable_dataset(dataset: Dataset) -> Any:
    # Files in Explicit VR LE are written by another library: group lengths may differ, and 8-bit cells are OB or OW.
    for element in list(dataset):
        if element.tag.element == 0:
            del dataset[element.tag]
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OW"
    return json.loads(dataset.to_json())


# Decoded cells: the stock plugin makes RGB of YBR_FULL while its metadata go on to say YBR_FULL, and leaves the
# unused high bits of signed cells 0 where we extend the sign.
DECODED_OTHERWISE = ("ybr_full_jpeg70", "i12_jpeg57", "i12_jpeg70")


def check(server: Server, path: str, accept: str | None, *, decoded_otherwise: bool = False) -> None:
    stock, ours = ask(server, path, accept)
    if decoded_otherwise and "metadata" not in path and ours.status_code == stock.status_code == 200:
        return
    if any(difference.applies(path, accept, stock, ours) for difference in DIFFERENCES):
        return
    wanted, given = comparable(server, stock), comparable(server, ours)
    assert given == wanted, f"{path} {accept}: {ours.text[:300]}"


PER_INSTANCE: tuple[tuple[str, str | None], ...] = (
    ("", None),
    ("", DICOM),
    ("", f"{DICOM}; transfer-syntax=*"),
    ("", f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.1"),
    ("", "application/dicom"),
    ("", "text/html"),
    ("/metadata", None),
    ("/metadata", "application/json"),
    ("/metadata", XML),
    ("/metadata", "text/html"),
    ("/frames/1", None),
    ("/frames/1", OCTETS),
    ("/frames/1", f"{OCTETS}; transfer-syntax=*"),
    ("/frames/1", "application/octet-stream"),
    ("/frames/1", 'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.70'),
    ("/frames/1", "nope"),
    ("/frames/0", None),
    ("/frames/77", None),
    ("/frames/x", None),
    ("/rendered", None),
    ("/rendered", "image/png"),
    ("/frames/1/rendered", None),
    ("/frames/77/rendered", None),
    ("/thumbnail", None),
    ("/bulk/7fe00010", None),
    ("/bulk/00100010", None),
    ("/bulk/nope", None),
    ("/nope", None),
)


@pytest.mark.parametrize("name", KINDS)
def test_instance(archive: Server, kinds: dict[str, Dataset], name: str) -> None:
    path = instance_path(kinds[name])
    for suffix, accept in PER_INSTANCE:
        check(archive, path + suffix, accept, decoded_otherwise=name in DECODED_OTHERWISE)


@pytest.fixture(scope="module")
def series(archive: Server) -> Dataset:
    """A series of three slices beside the kinds."""
    slices = [ct_slice(number) for number in (1, 2, 3)]
    for one in slices:
        archive.upload(part10(one))
    archive.until_settled(len(KINDS) + 3)
    return slices[0]


LISTS = (
    "studies",
    "series",
    "instances",
    "studies?limit=1",
    "studies?limit=1&offset=1",
    "studies?PatientID=SYNTHETIC",
    "studies?PatientName=Synth*",
    "studies?PatientName=nobody",
    "studies?00100020=SYNTHETIC&includefield=00081030",
    "studies?includefield=all",
    "studies?includefield=PatientSex,PatientBirthDate",
    "studies?ModalitiesInStudy=CT",
    "studies?StudyDate=20240101-20240131",
    "studies?fuzzymatching=true&PatientName=Synthetic",
    "series?Modality=CT&includefield=00080021",
    "instances?Rows=64",
    "instances?limit=3&offset=2",
    "studies?nope=1",
    "studies?limit=x",
    "nope",
    "servers",
    "info",
)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("accept", [None, "application/dicom+json", XML, "application/json", "text/html"])
def test_lists(archive: Server, series: Dataset, path: str, accept: str | None) -> None:
    check(archive, path, accept)


BELOW = ("", "/series", "/instances", "/metadata", "/series?Modality=CT", "/instances?limit=2&includefield=Rows")


@pytest.mark.parametrize("suffix", [*BELOW, "/rendered", "/thumbnail", "/nope"])
@pytest.mark.parametrize("level", ["studies/{0}", "studies/{0}/series/{1}", "studies/1.2", "studies/{0}/series/1.2"])
def test_below(archive: Server, series: Dataset, level: str, suffix: str) -> None:
    path = level.format(series.StudyInstanceUID, series.SeriesInstanceUID) + suffix
    for accept in (None, DICOM, XML, f"{DICOM}; transfer-syntax=*", "application/json", "text/html"):
        check(archive, path, accept)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_methods(archive: Server, series: Dataset, method: str) -> None:
    instance = instance_path(series)
    for path in ("studies", "series", instance, f"{instance}/metadata", f"{instance}/frames/1", "nope"):
        if (method, path) == ("POST", "studies"):
            continue  # STOW, below
        stock, ours = (http.request(method, f"{root}/{path}") for root in (archive.stock, archive.dicomweb))
        if not is_refused(stock, ours):
            assert (ours.status_code, ours.headers.get("Allow")) == (stock.status_code, stock.headers.get("Allow"))


def stow(root: str, contents: list[bytes], path: str = "studies", accept: str | None = None) -> requests.Response:
    body = b"".join(b"--part\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in contents)
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=part', "Accept": accept}
    return http.post(f"{root}/{path}", data=body + b"--part--\r\n", headers=headers)


@pytest.mark.parametrize("accept", ["application/dicom+json", "application/json", None, "application/dicom+xml"])
@pytest.mark.parametrize("path", ["studies", "studies/1.2.3", "studies/{0}"])
def test_stow(archive: Server, kinds: dict[str, Dataset], path: str, accept: str | None) -> None:
    contents = [part10(kinds["ct"]), b"no DICOM"]
    path = path.format(kinds["ct"].StudyInstanceUID)
    stock, ours = (stow(root, contents, path, accept) for root in (archive.stock, archive.dicomweb))
    assert ours.status_code == stock.status_code
    assert content_type(ours) == (content_type(stock) or "application/json")
    assert ours.content == stock.content.replace(f"{archive.url}{STOCK_ROOT}".encode(), archive.dicomweb.encode())


def test_each_kind_of_image_is_given_as_htj2k(archive: Server, kinds: dict[str, Dataset]) -> None:
    accept = {"Accept": f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.202"}
    for name in ("ct", "rgb", "multiframe", "palette"):
        answer = http.get(f"{archive.dicomweb}/{instance_path(kinds[name])}", headers=accept)
        (part,) = parts(answer)
        dataset = dcmread(BytesIO(part.body))
        assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.202"
        assert dataset.SOPInstanceUID == kinds[name].SOPInstanceUID
        assert dataset.get("NumberOfFrames", 1) == IMAGES[name].frames


def test_a_series_as_htj2k_comes_one_object_a_part(archive: Server, series: Dataset) -> None:
    accept = {"Accept": f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.202"}
    path = f"studies/{series.StudyInstanceUID}/series/{series.SeriesInstanceUID}"
    found = parts(http.get(f"{archive.dicomweb}/{path}", headers=accept))
    numbers = {dcmread(BytesIO(part.body)).InstanceNumber for part in found}
    assert numbers == {1, 2, 3}


def test_available_transfer_syntaxes(archive: Server, series: Dataset, kinds: dict[str, Dataset]) -> None:
    path = f"studies/{series.StudyInstanceUID}/series/{series.SeriesInstanceUID}/metadata"
    (first, *_) = http.get(f"{archive.dicomweb}/{path}").json()
    assert list(first) == sorted(first)
    assert first["00083002"] == {"vr": "UI", "Value": ["1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.1"]}
    path = f"studies/{kinds['ct'].StudyInstanceUID}/metadata"
    items = http.get(f"{archive.dicomweb}/{path}").json()
    available = {item["00080018"]["Value"][0]: item["00083002"]["Value"] for item in items}
    assert len(available) == len(KINDS)
    assert available[kinds["jpeg_baseline"].SOPInstanceUID] == ["1.2.840.10008.1.2.4.50"]
    assert available[kinds["u8_htj2k201"].SOPInstanceUID] == ["1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.1"]
