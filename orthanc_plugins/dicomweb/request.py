"""A request for DICOMweb as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

QUERY_HEADER = "x-neuronova-query"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is decoded and below the root; header names are in lower case; `public_base` is the root's address."""

    method: str
    path: str
    arguments: Mapping[str, str]
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    public_base: str

    def accepting(self, accept: str) -> Request:
        """Return the same request with another Accept header."""
        return replace(self, headers={**self.headers, "accept": accept})

    def for_path(self, path: str) -> Request:
        """Return a request for another path, without a query."""
        return replace(self, path=path, arguments={}, query="")


def read_request(path: str, given: Mapping[str, Any], public_url: str | None) -> Request:
    """Read what Orthanc hands a REST callback.

    Orthanc keeps one value of a repeated argument (`includefield`) and none of a POST; the gateway hands the query
    over as it came. The stock plugin splits `includefield` at a comma, and only at one that is not encoded.
    """
    headers: Mapping[str, str] = given["headers"]
    arguments: Mapping[str, str] = given.get("get", {})
    query = headers.get(QUERY_HEADER) or urlencode(arguments)
    return Request(
        method=given["method"],
        path=path,
        arguments=arguments,
        query=query.replace("%2C", ",").replace("%2c", ","),
        headers=headers,
        body=given.get("body"),
        public_base=public_base(headers, public_url),
    )


def public_base(headers: Mapping[str, str], public_url: str | None) -> str:
    """Return the address of `/dicom-web` as the client wrote it: from the setting, the gateway's headers, or Host."""
    if public_url is None:
        scheme = headers.get("x-forwarded-proto", "http")
        host = headers.get("x-forwarded-host") or headers.get("host", "localhost")
        public_url = f"{scheme}://{host}"
        if scheme not in ("http", "https") or urlsplit(public_url).netloc != host or any(c in host for c in '"<>\\'):
            public_url = "http://localhost"
    return f"{public_url}/dicom-web"
