from __future__ import annotations

import pytest

from orthanc_plugins.dicomweb.request import public_base, read_request

FORWARDED = {"x-forwarded-proto": "https", "x-forwarded-host": "pacs.example.org", "host": "127.0.0.1:8042"}


@pytest.mark.parametrize(
    ("headers", "public_url", "expected"),
    [
        ({"host": "127.0.0.1:8042"}, None, "http://127.0.0.1:8042/dicom-web"),
        (FORWARDED, None, "https://pacs.example.org/dicom-web"),
        (FORWARDED, "https://other.example.org", "https://other.example.org/dicom-web"),
        ({}, None, "http://localhost/dicom-web"),
        ({"host": 'x"onload=y'}, None, "http://localhost/dicom-web"),
        ({"host": "[::1]:8042"}, None, "http://[::1]:8042/dicom-web"),
        ({"host": "["}, None, "http://localhost/dicom-web"),
        ({"host": "x/y"}, None, "http://localhost/dicom-web"),
        ({"host": "x", "x-forwarded-proto": "javascript"}, None, "http://localhost/dicom-web"),
    ],
)
def test_public_base(headers: dict[str, str], public_url: str | None, expected: str) -> None:
    assert public_base(headers, public_url) == expected


def test_repeated_arguments_come_from_the_gateway() -> None:
    headers = {"x-neuronova-query": "includefield=00100010&includefield=00080020%2C00081030"}
    request = read_request("studies", {"method": "GET", "headers": headers, "get": {"includefield": "x"}}, None)
    assert request.query == "includefield=00100010&includefield=00080020,00081030"


def test_arguments_are_encoded_again() -> None:
    request = read_request("studies", {"method": "GET", "headers": {}, "get": {"PatientName": "김 &*"}}, None)
    assert request.query == "PatientName=%EA%B9%80%20%26*"


def test_arguments_that_orthanc_did_not_decode() -> None:
    given = {"method": "GET", "headers": {}, "get": {"window": "40%2C80%2Clinear", "%50atientID": "a%2A", "flag": ""}}
    request = read_request("studies", given, None)
    assert request.arguments == {"window": "40,80,linear", "PatientID": "a*", "flag": ""}
    assert request.query == "window=40,80,linear&PatientID=a*&flag"
