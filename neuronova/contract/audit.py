"""The audit record: what is written of an event, in which bytes, and how each record is chained to the one before.

An event's bytes are its members that differ from their defaults, as canonical JSON (RFC 8785). A record's hash is over
the digest of the event and not over the event itself, so that a record's place in the chain can be shown to somebody
who must not read its neighbours.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

_WRITER = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Action(StrEnum):
    """What was done or tried."""

    QUERY = "query"
    READ = "read"
    STORE = "store"
    DELETE = "delete"
    DISCLOSE = "disclose"  # objects to media, or to research
    MANAGE = "manage"
    FIND = "find"  # DIMSE, as the next three
    GET = "get"
    MOVE = "move"
    WORKLIST = "worklist"
    LOGIN = "login"
    LOGOUT = "logout"
    REFRESH = "refresh"
    GRANT = "grant"
    REVOKE = "revoke"
    BREAK_GLASS = "break-glass"
    ACCOUNT = "account"
    LINK = "link"
    KEY = "key"
    SETTINGS = "settings"
    START = "start"
    STOP = "stop"
    SEARCH = "search"  # in the audit trail itself, as the next two
    EXPORT = "export"
    CUT = "cut"


class Outcome(StrEnum):
    """How it ended."""

    ALLOWED = "allowed"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One decision or event; `LIMITS` says how much of each text is written.

    `count` is how many accesses this record stands for: the sum over records is the number of accesses. A decision
    stands for one, its result (which `refers_to` the decision's sequence) for the further ones of the same minute.
    """

    time: float  # seconds since the epoch, UTC
    action: Action
    outcome: Outcome
    reason: str = ""  # a code
    subject: str = ""
    role: str = ""
    token_id: str = ""
    patient_id: str = ""
    issuer: str = ""
    study: str = ""
    series: str = ""
    address: str = ""  # of the client
    aet: str = ""
    route: str = ""
    count: int = 1
    status: int | None = None
    detail: str = ""
    refers_to: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """An event at its place in its writer's chain; hashes are SHA-256 in hexadecimal."""

    writer: str
    sequence: int
    event: Event
    previous: str
    hash: str


# Characters; what is longer ends in an ellipsis. Identifiers get twice what DICOM allows them (PS3.5 6.2: LO, UI 64).
LIMITS: Mapping[str, int] = {
    "reason": 64,
    "subject": 128,
    "role": 32,
    "token_id": 128,
    "patient_id": 128,
    "issuer": 128,
    "study": 128,
    "series": 128,
    "address": 64,
    "aet": 32,
    "route": 256,
    "detail": 1000,
}
_MEMBERS = tuple((field.name, field.default) for field in fields(Event))


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:
    """Return the bytes of a JSON value of texts, whole numbers, lists and objects with ASCII names (RFC 8785 3.2)."""
    return _ENCODER.encode(value).encode()


def event_bytes(event: Event) -> bytes:
    """Return what is stored of an event, and digested: texts within `LIMITS`, microseconds of time."""
    values: dict[str, Any] = {}
    for name, default in _MEMBERS:
        value = getattr(event, name)
        if value != default:
            values[name] = _limited(value, LIMITS[name]) if name in LIMITS else value
    values["time"] = round(event.time * 1e6)
    return canonical(values)


def read_event(stored: bytes | str) -> Event:
    """Return the event whose bytes these are.

    Raises:
        ValueError: they are no event's.
    """
    try:
        values = json.loads(stored)
        action, outcome = Action(values.pop("action")), Outcome(values.pop("outcome"))
        return Event(time=values.pop("time") / 1e6, action=action, outcome=outcome, **values)
    except (TypeError, KeyError, AttributeError) as odd:
        raise ValueError(f"no audit event: {odd!r}") from odd


def genesis(writer: str, journal: str) -> str:
    """Return what the first record of a journal follows: a hash over its writer and its random identifier."""
    return _sha256(canonical({"journal": journal, "writer": writer}))


def digest(stored: bytes) -> str:
    """Return the digest of an event's bytes."""
    return _sha256(stored)


def chained(writer: str, sequence: int, previous: str, event_digest: str) -> str:
    """Return a record's hash: SHA-256 over these four as canonical JSON, written out here because all depend on it."""
    return _sha256(
        f'{{"event":"{event_digest}","previous":"{previous}","sequence":{sequence},"writer":"{writer}"}}'.encode()
    )


def link(writer: str, sequence: int, previous: str, event: Event) -> Record:
    """Return the record that follows the one with hash `previous`; its event is as it is stored."""
    stored = event_bytes(event)
    its_hash = chained(writer, sequence, previous, digest(stored))
    return Record(writer=writer, sequence=sequence, event=read_event(stored), previous=previous, hash=its_hash)


def require_writer(name: str) -> str:
    """Return a writer's name, which is part of files' names and of hashes, if it may be one.

    Raises:
        ValueError: it may not.
    """
    if not _WRITER.fullmatch(name):
        raise ValueError(f"{name!r} is no writer: lower-case letters, digits and -, at most 32")
    return name


def record_to_json(record: Record) -> dict[str, Any]:
    """Return a record's JSON value; `event` holds the members that its digest covers."""
    event = json.loads(event_bytes(record.event))
    return {
        "writer": record.writer,
        "sequence": record.sequence,
        "previous": record.previous,
        "hash": record.hash,
        "event": event,
    }


def record_from_json(value: Mapping[str, Any]) -> Record:
    """Read what `record_to_json` made.

    Raises:
        ValueError: it is odd.
    """
    try:
        return Record(
            writer=require_writer(value["writer"]),
            sequence=int(value["sequence"]),
            event=read_event(json.dumps(value["event"])),
            previous=str(value["previous"]),
            hash=str(value["hash"]),
        )
    except (KeyError, TypeError) as odd:
        raise ValueError(f"no audit record: {odd!r}") from odd


def _limited(text: str, limit: int) -> str:
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()  # a lone surrogate has no UTF-8


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
