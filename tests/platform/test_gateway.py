"""What the gateway answers, on a real platform."""

from __future__ import annotations

import subprocess

import pytest

from neuronova.platform.viewer import CACHE, read_pin
from tests.platform.conftest import NEURONOVA, Platform

HASHED = sorted(path.name for path in (CACHE / read_pin().version).glob("app.bundle.*.js"))


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
    name = next((CACHE / read_pin().version).glob("*.wasm")).name
    assert platform.get(f"/{name}").headers["Content-Type"] == "application/wasm"


@pytest.mark.parametrize(
    "path", ["/missing.js", "/_stock-dicom-web/studies", "/orthanc/system", "/api/v1/nothing", "/api/v1/internal/x"]
)
def test_not_found(platform: Platform, path: str) -> None:
    assert platform.get(path).status_code == 404


def test_orthanc_is_not_reachable_beside_dicom_web(platform: Platform) -> None:
    assert "0020000D" not in platform.get("/studies").text
    assert platform.get("/system").headers["Content-Type"].startswith("text/html")


def test_health_names_every_part(platform: Platform) -> None:
    report = platform.get("/health").json()
    assert report["status"] == "ok"
    assert set(report["parts"]) == {"api", "orthanc", "workers", "data"}


def test_the_api_tells_errors_as_problems(platform: Platform) -> None:
    answer = platform.get("/api/v1/nothing")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_the_demo_sends_its_studies_once(platform: Platform) -> None:
    for _ in range(2):
        done = subprocess.run(
            [NEURONOVA, "demo"], env=platform.environment, capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout.count(f"{platform.url}/viewer?StudyInstanceUIDs=") == 2
        assert len(platform.get("/dicom-web/studies").json()) == 2
        assert len(platform.get("/dicom-web/instances").json()) == 128
    names = [study["00100010"]["Value"][0] for study in platform.get("/dicom-web/studies").json()]
    assert "홍^길동" in {name.get("Phonetic") for name in names}
