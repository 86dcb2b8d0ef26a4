"""Settings from a mapping, and `.env`, as tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuronova.contract.settings import SettingsError, read_dotenv, read_settings


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("DATA", "/srv/pacs", "data", Path("/srv/pacs")),
        ("DATA", "/srv/a/../pacs", "data", Path("/srv/pacs")),
        ("HTTP_PORT", " 80 ", "http_port", 80),
        ("ORTHANC_PORT", "65535", "orthanc_port", 65535),
        ("API_PORT", "1", "api_port", 1),
        ("DICOM_PORT", "104", "dicom_port", 104),
        ("AET", "CT 1", "aet", "CT 1"),
        ("AET", "A" * 16, "aet", "A" * 16),
        ("BIND", "0.0.0.0", "bind", "0.0.0.0"),
        ("PUBLIC_URL", "https://pacs.example.org/", "public_url", "https://pacs.example.org"),
        ("PUBLIC_URL", "http://h:81", "public_url", "http://h:81"),
        ("ENCODE_WORKERS", "3", "encode_workers", 3),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ],
)
def test_read(name: str, text: str, field: str, value: object) -> None:
    settings = read_settings({f"NEURONOVA_{name}": text})
    assert getattr(settings, field) == value
    assert read_settings(settings.environment()) == settings


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("HTP_PORT", "80", "NEURONOVA_HTP_PORT is not a setting"),
        ("http_port", "80", "NEURONOVA_http_port is not a setting"),
        ("AET", "", "NEURONOVA_AET is empty"),
        ("AET", "  ", "NEURONOVA_AET is empty"),
        ("AET", "A" * 17, "16 printable ASCII"),
        ("AET", "A\\B", "backslash"),
        ("AET", "뇌", "ASCII"),
        ("HTTP_PORT", "0", "1 to 65535"),
        ("HTTP_PORT", "65536", "1 to 65535"),
        ("HTTP_PORT", "-1", "1 to 65535"),
        ("HTTP_PORT", "8 0", "1 to 65535"),
        ("HTTP_PORT", "²", "1 to 65535"),
        ("DICOM_PORT", "8042", "NEURONOVA_ORTHANC_PORT and NEURONOVA_DICOM_PORT are both 8042"),
        ("BIND", "a b", "an address"),
        ("BIND", "0.0.0.0; deny all", "an address"),
        ("PUBLIC_URL", "pacs.example.org", "an origin"),
        ("PUBLIC_URL", "https://pacs.example.org/path", "an origin"),
        ("PUBLIC_URL", "https://pacs.example.org?x", "an origin"),
        ("PUBLIC_URL", "https://user@pacs.example.org", "an origin"),
        ("PUBLIC_URL", 'https://a";x', "an origin"),
        ("ENCODE_WORKERS", "none", "1 to 64"),
        ("LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_refused(name: str, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=rf"NEURONOVA_{name}|both") as raised:
        read_settings({f"NEURONOVA_{name}": text})
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_variables_of_others_are_passed_over() -> None:
    assert read_settings({"HOME": "/", "AET": ""}) == read_settings({})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# a comment\n\n  # another\n", {}),
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        (" A = 1 ", {"A": "1"}),
        ("A='x y'", {"A": "x y"}),
        ('A="x"', {"A": "x"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=", {"A": ""}),
        ("A=1\nA=2", {"A": "2"}),
        ('A="it\'s"', {"A": "it's"}),
        ("A=it's'", {"A": "it's'"}),
        ("export A=1", {"A": "1"}),
    ],
)
def test_dotenv(text: str, values: dict[str, str]) -> None:
    assert read_dotenv(text) == values


@pytest.mark.parametrize(("text", "line"), [("A", 1), ("A=1\n=2", 2), ("\n1A=x", 2), ("A B=1", 1)])
def test_dotenv_names_a_bad_line(text: str, line: int) -> None:
    with pytest.raises(SettingsError, match=rf"\.env line {line} "):
        read_dotenv(text)
