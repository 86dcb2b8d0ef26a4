"""What the gateway answers, on a real platform."""

from __future__ import annotations

import pytest

from neuronova.platform.viewer import folder_of, read_pins
from tests.running import Platform

VIEWER = folder_of(read_pins())
HASHED = sorted(path.name for path in VIEWER.glob("app.bundle.*.js"))


@pytest.mark.parametrize(
    ("path", "kind", "cached"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/viewer?StudyInstanceUIDs=1.2.3", "text/html; charset=utf-8", "no-cache"),
        (f"/{HASHED[0] if HASHED else ''}", "application/javascript; charset=utf-8", "immutable"),
    ],
)
def test_the_viewer_comes_compressed(platform: Platform, path: str, kind: str, cached: str) -> None:
    answer = platform.get(path, Accept_Encoding="gzip")
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"] == kind
    assert cached in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Server"] == "nginx"


def test_our_settings_replace_the_packaged_ones(platform: Platform) -> None:
    answer = platform.get("/app-config.js")
    assert "NeuroNova" in answer.text
    assert answer.headers["Cache-Control"] == "no-cache"


def test_web_assembly_has_its_type(platform: Platform) -> None:
    name = next(VIEWER.glob("*.wasm")).name
    assert platform.get(f"/{name}").headers["Content-Type"] == "application/wasm"


@pytest.mark.parametrize(
    "path",
    [
        "/missing.js",
        "/_stock-dicom-web/studies",
        "/%5Fstock-dicom-web/studies",
        "/dicom-web/../_stock-dicom-web/studies",
        "/orthanc/_stock-dicom-web/studies",
        "/api/v1/nothing",
        "/api/v1/internal/x",
    ],
)
def test_not_found(platform: Platform, path: str) -> None:
    assert platform.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/instances", "/system", "/changes", "/neuronova/health", "/app/explorer.html"])
def test_nothing_else_of_orthanc_is_reachable(platform: Platform, path: str) -> None:
    """What is no file is a page of the viewer's own router."""
    assert platform.get(path).content == platform.get("/").content


def test_health_names_every_part(platform: Platform) -> None:
    report = platform.get("/health").json()
    assert report["status"] == "ok"
    shared = {"database", "data", "audit", "outbox"}
    assert set(report["parts"]) == shared | {"api", "orthanc", "workers", "inference", "notifications"}


def test_the_api_tells_errors_as_problems(platform: Platform) -> None:
    answer = platform.get("/api/v1/nothing")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


@pytest.fixture(scope="module")
def demo(platform: Platform) -> str:
    """What `neuronova demo` says; its studies are there."""
    return platform.demo("--no-wait")


def test_the_demo_sends_its_studies_once(platform: Platform, demo: str) -> None:
    for said in (demo, platform.demo("--no-wait")):
        assert said.count(f"{platform.url}/viewer?StudyInstanceUIDs=") == 3
        assert len(platform.get("/dicom-web/studies").json()) == 3
        for modality, count in (("CT", 128), ("MR", 150)):
            assert len(platform.get(f"/dicom-web/instances?Modality={modality}").json()) == count
    names = [study["00100010"]["Value"][0] for study in platform.get("/dicom-web/studies").json()]
    assert "홍길동" in {name.get("Alphabetic") for name in names}


@pytest.mark.usefixtures("demo")
def test_a_list_comes_compressed_and_with_every_field_asked_for(platform: Platform) -> None:
    answer = platform.get("/dicom-web/instances?includefield=00280010&includefield=00280011", Accept_Encoding="gzip")
    assert answer.headers["Content-Type"].startswith("application/dicom+json")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert {"00280010", "00280011"} <= set(answer.json()[0])
    assert answer.json()[0]["00081190"]["Value"][0].startswith(f"{platform.url}/dicom-web/studies/")


@pytest.mark.usefixtures("demo")
def test_a_frame_comes_as_it_is_stored_and_with_its_length(platform: Platform) -> None:
    instance = platform.get("/dicom-web/instances?limit=1").json()[0]
    study, series, one = (instance[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
    answer = platform.get(
        f"/dicom-web/studies/{study}/series/{series}/instances/{one}/frames/1",
        Accept='multipart/related; type="application/octet-stream"; transfer-syntax=*',
        Accept_Encoding="gzip",
    )
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert b"Content-Type: image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202" in answer.content
