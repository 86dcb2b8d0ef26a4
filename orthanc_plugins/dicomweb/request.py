"""A request for DICOMweb as a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

QUERY_HEADER = "x-neuronova-query"
# A name, an IPv4 address or an IPv6 address in brackets, and a port (RFC 3986 3.2.2); international names come encoded.
_HOST = re.compile(r"(?:[A-Za-z0-9._~%-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
LEGIBLE = "!$'()*,-./:;?@[\\]^_`{|}~"


class Request(NamedTuple):
    """`path` is decoded and below the root; header names are in lower case; `public_base` is the root's address.

    `arguments` are decoded, `query` is encoded as little as it can be. `decoded_by_orthanc` tells whether Orthanc hands
    arguments to plugins decoded; 1.10 does not.
    """

    method: str
    path: str
    arguments: Mapping[str, str]
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    public_base: str
    decoded_by_orthanc: bool = True
    is_wado_uri: bool = False
    confined: tuple[str, ...] = ()  # for those who see not all: the UIDs from the study down that an answer is from

    def accepting(self, accept: str) -> Request:
        """Return the same request with another Accept header."""
        return self._replace(headers={**self.headers, "accept": accept})

    def for_path(self, path: str) -> Request:
        """Return a request for another path, without a query."""
        return self._replace(path=path, arguments={}, query="")


def read_request(
    path: str, given: Mapping[str, Any], public_url: str | None, confined: tuple[str, ...] = ()
) -> Request:
    """Read what Orthanc hands a REST callback.

    Orthanc keeps one value of a repeated argument (`includefield`) and none of a POST; the gateway hands the query
    over as it came.
    """
    headers: Mapping[str, str] = given["headers"]
    query = headers.get(QUERY_HEADER)
    pairs = list(given.get("get", {}).items()) if query is None else _pairs(query)
    decoded = [(unquote(name), unquote(value)) for name, value in pairs]
    return Request(
        method=given["method"],
        path=path,
        arguments=dict(decoded),
        query="&".join(encoded(name, value) for name, value in decoded),
        headers=headers,
        body=given.get("body"),
        public_base=public_base(headers, public_url),
        decoded_by_orthanc=all(value == unquote(value) for value in given.get("get", {}).values()),
        confined=confined,
    )


def _pairs(query: str) -> list[tuple[str, str]]:
    parts = [part.partition("=") for part in query.split("&") if part]
    return [(name, value) for name, _, value in parts]


def encoded(name: str, value: str) -> str:
    """Return one argument of a query.

    Orthanc 1.10 does not decode arguments: `*` and `,` have to reach the stock plugin as they are.
    """
    argument = f"{quote(name, safe=LEGIBLE)}={quote(value, safe=LEGIBLE)}"
    return argument if value else argument[:-1]


def public_base(headers: Mapping[str, str], public_url: str | None) -> str:
    """Return the address of `/dicom-web` as the client wrote it: from the setting, the gateway's headers, or Host."""
    if public_url is None:
        scheme = headers.get("x-forwarded-proto", "http")
        host = headers.get("x-forwarded-host") or headers.get("host", "localhost")
        is_sound = scheme in ("http", "https") and _HOST.fullmatch(host)
        public_url = f"{scheme}://{host}" if is_sound else "http://localhost"
    return f"{public_url}/dicom-web"
