"""A search with letters that are not ASCII, for an Orthanc that does not decode percent-encoded arguments (1.10).

The stock plugin of such a server finds nothing by `PatientName=김*`. Orthanc's own search takes any letter: it finds
the UIDs, limit and offset applied, and the stock plugin is asked for these, so that the answer's form is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orthanc_plugins.dicomweb.request import Request, encoded

LEVELS = {
    "studies": ("Study", "StudyInstanceUID"),
    "series": ("Series", "SeriesInstanceUID"),
    "instances": ("Instance", "SOPInstanceUID"),
}
NO_UID = "0"  # no object has it
MOST = 100  # UIDs that fit into one address
NOT_MATCHING = ("limit", "offset", "includefield", "fuzzymatching")

Find = Callable[[str, str, Mapping[str, str]], list[str]]
"""`find(level, uid_keyword, query)` gives the UIDs of what matches."""


def needs_letters(request: Request) -> bool:
    """Tell whether this is a search that a server which does not decode arguments would find nothing by."""
    return (
        not request.decoded_by_orthanc
        and request.path.rstrip("/").rpartition("/")[2] in LEVELS
        and not all(value.isascii() for value in request.arguments.values())
    )


def by_uid(request: Request, find: Find) -> Request:
    """Return a request for the same objects by their UIDs."""
    level, keyword = LEVELS[request.path.rstrip("/").rpartition("/")[2]]
    parts = request.path.strip("/").split("/")
    query = {name: value for name, value in request.arguments.items() if name not in NOT_MATCHING}
    query |= {LEVELS[name][1]: uid for name, uid in zip(parts[0::2], parts[1::2], strict=False)}
    start = _number(request.arguments.get("offset"), 0)
    most = min(_number(request.arguments.get("limit"), MOST) or MOST, MOST)
    uids = find(level, keyword, query)[start : start + most]
    shown = [(name, value) for name, value in request.arguments.items() if name == "includefield"]
    asked = [(keyword, ",".join(uids) or NO_UID), *shown]
    return request._replace(query="&".join(encoded(name, value) for name, value in asked))


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() else default
