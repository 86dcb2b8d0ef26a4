"""DICOM JSON of a series, kept as an attachment of the series so that it is served without parsing a file.

Orthanc deletes it with the series. It is bound to a fingerprint of the series' instances and their last arrival, so
that a late slice makes it stale. PS3.18 F.2 orders the attributes of an object by tag; whether HTJ2K is available
changes while the workers go on, so that each instance's JSON is kept in two pieces: what stands before Available
Transfer Syntax UID (0008,3002), and what follows.

The attachment is gzip of one line of JSON, `{"version", "fingerprint", "lengths"}`, and then for each instance four
items of those lengths: SOPInstanceUID, SeriesInstanceUID, the JSON before, the JSON after.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ATTACHMENT = "series-metadata"
VERSION = 2
AVAILABLE_TRANSFER_SYNTAX_UID = "00083002"
SOP_INSTANCE_UID, SERIES_INSTANCE_UID = "00080018", "0020000E"
# URLs are kept with this in place of the root's address, which each answer fills in.
BASE = "http://base.invalid/dicom-web"


@dataclass(frozen=True, slots=True)
class InstanceMetadata:
    """One instance's DICOM JSON, cut where Available Transfer Syntax UID goes."""

    instance: str
    series: str
    before: bytes
    after: bytes


def fingerprint(series: dict[str, Any]) -> str:
    """Return what a series' metadata is bound to, from Orthanc's answer to `/series/{id}`."""
    text = json.dumps([series.get("LastUpdate"), sorted(series["Instances"])])
    return hashlib.sha256(text.encode()).hexdigest()


def cut(item: dict[str, Any]) -> InstanceMetadata:
    """Cut one instance of a DICOM JSON answer.

    Raises:
        KeyError: it has no SOPInstanceUID or SeriesInstanceUID.
    """
    before = {tag: item[tag] for tag in sorted(item) if tag < AVAILABLE_TRANSFER_SYNTAX_UID}
    after = {tag: item[tag] for tag in sorted(item) if tag > AVAILABLE_TRANSFER_SYNTAX_UID}
    return InstanceMetadata(
        instance=item[SOP_INSTANCE_UID]["Value"][0],
        series=item[SERIES_INSTANCE_UID]["Value"][0],
        before=_compact(before)[:-1].encode(),
        after=("," + _compact(after)[1:]).encode(),
    )


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def pack(mark: str, items: Sequence[InstanceMetadata]) -> bytes:
    """Return the attachment of `items`, bound to the fingerprint `mark`."""
    pieces = [
        piece for item in items for piece in (item.instance.encode(), item.series.encode(), item.before, item.after)
    ]
    head = {"version": VERSION, "fingerprint": mark, "lengths": [len(piece) for piece in pieces]}
    return gzip.compress(json.dumps(head).encode() + b"\n" + b"".join(pieces), compresslevel=1, mtime=0)


def unpack(content: bytes) -> tuple[str, list[InstanceMetadata]]:
    """Return fingerprint and items of an attachment.

    Raises:
        ValueError: it is none, or of another version.
    """
    try:
        line, _, data = gzip.decompress(content).partition(b"\n")
        head = json.loads(line)
        if head["version"] != VERSION:
            raise ValueError(f"version {head['version']}")
        pieces, position = [], 0
        for length in head["lengths"]:
            pieces.append(data[position : position + length])
            position += length
        if position != len(data) or len(pieces) % 4:
            raise ValueError("lengths do not fit")
        return head["fingerprint"], [
            InstanceMetadata(pieces[n].decode(), pieces[n + 1].decode(), pieces[n + 2], pieces[n + 3])
            for n in range(0, len(pieces), 4)
        ]
    except (OSError, EOFError, zlib.error, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def compose(items: Sequence[InstanceMetadata], available: Sequence[Sequence[str]]) -> bytes:
    """Return the DICOM JSON array of `items`, each with its available transfer syntaxes."""
    texts: dict[Sequence[str], bytes] = {}
    whole: list[bytes] = []
    for item, syntaxes in zip(items, available, strict=True):
        key = tuple(syntaxes)
        if key not in texts:
            value = json.dumps({"Value": list(key), "vr": "UI"}, separators=(",", ":"))
            texts[key] = f',"{AVAILABLE_TRANSFER_SYNTAX_UID}":{value}'.encode()
        whole.append(item.before + texts[key] + item.after)
    return b"[" + b",".join(whole) + b"]"
