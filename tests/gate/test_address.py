"""What a request is about, as a table; and that no spelling slips through it."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuronova.contract.audit import Action
from neuronova.contract.roles import Permission
from orthanc_plugins.access.address import NOWHERE, Address, read_address, with_wado_arguments

S, E, I = "1.2.3", "1.2.3.4", "1.2.3.4.5"  # noqa: E741
QUERY, READ = (Action.QUERY, Permission.IMAGES_QUERY), (Action.READ, Permission.IMAGES_READ)
STORE, DELETE = (Action.STORE, Permission.IMAGES_STORE), (Action.DELETE, Permission.IMAGES_DELETE)
MANAGED = (Action.READ, Permission.ARCHIVE_MANAGE)
CHANGED = (Action.MANAGE, Permission.ARCHIVE_MANAGE)


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET /dicom-web/studies", Address(*QUERY)),
        ("GET /dicom-web/studies/", Address(*QUERY)),
        ("GET /dicom-web/series", Address(*QUERY)),
        ("GET /dicom-web/instances", Address(*QUERY)),
        (f"GET /dicom-web/studies/{S}/series", Address(*QUERY, S)),
        (f"GET /dicom-web/studies/{S}/instances", Address(*QUERY, S)),
        (f"GET /dicom-web/studies/{S}/series/{E}/instances", Address(*QUERY, S, E)),
        (f"GET /dicom-web/studies/{S}", Address(*READ, S)),
        (f"GET /dicom-web/studies/{S}/metadata", Address(*READ, S)),
        (f"GET /dicom-web/studies/{S}/series/{E}", Address(*READ, S, E)),
        (f"GET /dicom-web/studies/{S}/series/{E}/rendered", Address(*READ, S, E)),
        (f"GET /dicom-web/studies/{S}/series/{E}/instances/{I}", Address(*READ, S, E, I)),
        (f"GET /dicom-web/studies/{S}/series/{E}/instances/{I}/frames/1,2", Address(*READ, S, E, I)),
        (f"GET /dicom-web/studies/{S}/series/{E}/instances/{I}/frames/1/rendered", Address(*READ, S, E, I)),
        (f"GET /dicom-web/studies/{S}/series/{E}/instances/{I}/bulk/00091002/1/7FE00010", Address(*READ, S, E, I)),
        ("POST /dicom-web/studies", Address(*STORE)),
        (f"POST /dicom-web/studies/{S}", Address(*STORE, S)),
        (f"DELETE /dicom-web/studies/{S}", Address(*DELETE, S)),
        ("GET /dicom-web/servers", Address(*MANAGED)),
        ("POST /dicom-web/servers/x/stow", Address(*CHANGED)),
        ("GET /dicom-web/studies/*/series", Address(*QUERY, "*", odd=True)),
        ("GET /dicom-web/studies/1.2\\1.3/series", Address(*QUERY, "1.2\\1.3", odd=True)),
        ("GET /dicom-web/studies/1.2,1.3/metadata", Address(*READ, "1.2,1.3", odd=True)),
        ("GET /", Address(*MANAGED)),
        ("GET /system", Address(*MANAGED)),
        ("GET /app/explorer.html", Address(*MANAGED)),
        ("GET /instances/0123/file", Address(*MANAGED)),
        ("POST /instances", Address(Action.STORE, Permission.ARCHIVE_MANAGE)),
        ("DELETE /studies/0123", Address(Action.DELETE, Permission.ARCHIVE_MANAGE)),
        ("PUT /modalities/CT", Address(*CHANGED)),
        ("POST /tools/find", Address(*CHANGED)),
        ("GET /_stock-dicom-web/studies", Address(*MANAGED)),
        ("GET /neuronova/health", Address(Action.READ, Permission.PLATFORM_HEALTH)),
        ("GET /neuronova/metrics", Address(Action.READ, Permission.PLATFORM_HEALTH)),
        ("POST /neuronova/encode", Address(*CHANGED)),
        ("POST /neuronova/outcomes", Address(Action.READ, Permission.ARCHIVE_MANAGE)),
    ],
)
def test_what_is_addressed(request_line: str, expected: Address) -> None:
    method, _, path = request_line.partition(" ")
    assert read_address(method, path) == expected


@pytest.mark.parametrize(
    "request_line",
    [
        "GET ",
        "GET dicom-web/studies",
        "GET /dicom-web",
        "GET /dicom-web/",
        "GET //dicom-web/studies",
        "GET /dicom-web//studies",
        "GET /dicom-web/studies//series",
        f"GET /dicom-web/studies/{S}//metadata",
        f"GET /dicom-web/studies/{S}/../{S}/metadata",
        f"GET /dicom-web/./studies/{S}",
        f"GET /dicom-web/studies/{S}\0/metadata",
        f"GET /dicom-web/studies/{S}\n",
        f"GET /dicom-web/Studies/{S}",
        f"GET /DICOM-WEB/studies/{S}",
        f"GET /dicom-web/studies/{S}/unknown",
        f"GET /dicom-web/studies/{S}/metadata/more",
        "GET /dicom-web/series/1.2",
        "GET /dicom-web/patients",
        f"GET /dicom-web/studies/{S}/studies",
        f"PUT /dicom-web/studies/{S}",
        f"POST /dicom-web/studies/{S}/series/{E}",
        "HEAD /dicom-web/studies",
        "get /dicom-web/studies",
        "POST /tools/execute-script",
        "POST /tools/execute-script/",
        "POST /tools/shutdown",
        "POST /tools/reset",
        "GET /tools/../system",
        "GET /system//",
        "GET /unknown",
        "GET /neuronova/unknown",
        "DELETE /neuronova/health",
        "POST /wado",
        "GET /wado/x",
        "PATCH /studies/0123",
        "GET /" + "a" * 9000,
    ],
)
def test_what_nobody_may_ask(request_line: str) -> None:
    method, _, path = request_line.partition(" ")
    assert read_address(method, path) == NOWHERE


@pytest.mark.parametrize(
    ("arguments", "odd"),
    [
        ({"studyUID": S, "seriesUID": E, "objectUID": I}, False),
        ({"studyUID": S, "objectUID": I}, True),
        ({"objectUID": I}, True),
        ({}, True),
        ({"studyUID": "*", "seriesUID": E, "objectUID": I}, True),
    ],
)
def test_what_a_wado_uri_addresses(arguments: dict[str, str], odd: bool) -> None:
    address = with_wado_arguments(read_address("GET", "/wado"), arguments)
    assert address.permission is Permission.IMAGES_READ
    assert address.odd is odd
    assert address.study == arguments.get("studyUID")


SPELLING = st.lists(
    st.sampled_from(
        [
            "studies",
            "series",
            "instances",
            S,
            E,
            "..",
            ".",
            "",
            "metadata",
            "frames",
            "%2e%2e",
            "%2F",
            "\0",
            "Studies",
            "*",
        ]
    ),
    max_size=9,
).map("/".join)


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "X"]), SPELLING)
def test_a_study_is_read_only_as_itself(method: str, below: str) -> None:
    """Whatever is allowed below the root names the study that a server finds there, spelt one way only."""
    address = read_address(method, f"/dicom-web/{below}")
    if address.permission is None or not address.uids:
        return
    segments = below.rstrip("/").split("/") if below.endswith("/") else below.split("/")
    assert segments[:2] == ["studies", address.study]
    assert not {"", ".", ".."} & set(segments)
    assert address.odd == any(not set(uid) <= set("0123456789.") for uid in address.uids)


@given(st.text(max_size=60))
def test_any_path_has_an_answer(path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert isinstance(read_address(method, path), Address)
        assert isinstance(read_address(method, f"/dicom-web/{unquote(quote(path))}"), Address)
