"""What each action is in DICOM's vocabulary: PS3.16 CID 400 (audit event), CID 401 (its type)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from neuronova.contract.audit import Action, Event, Outcome


class Code(NamedTuple):
    """A concept of DICOM's controlled terminology (DCM)."""

    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Kind:
    """An event's identifier, its action code (PS3.15 A.5.1: C, R, U, D, E) and its type where one fits."""

    identifier: Code
    action: str
    type: Code | None = None


QUERY = Code("110112", "Query")
ACCESSED = Code("110103", "DICOM Instances Accessed")
TRANSFERRED = Code("110104", "DICOM Instances Transferred")
EXPORTED = Code("110106", "Export")
DELETED = Code("110105", "DICOM Study Deleted")
AUTHENTICATION = Code("110114", "User Authentication")
ALERT = Code("110113", "Security Alert")
ACTIVITY = Code("110100", "Application Activity")
STARTED = Code("110120", "Application Start")
STOPPED = Code("110121", "Application Stop")
LOG_USED = Code("110101", "Audit Log Used")
LOGIN = Code("110122", "Login")
LOGOUT = Code("110123", "Logout")
OVERRIDE = Code("110127", "Emergency Override Started")
SECURITY = Code("110129", "Security Configuration")
SOFTWARE = Code("110131", "Software Configuration")
RESTRICTED = Code("110132", "Use of Restricted Function")
OBJECT_RIGHTS = Code("110135", "Object Security Attributes Changed")
USER_RIGHTS = Code("110137", "User security Attributes Changed")

KINDS: Mapping[Action, Kind] = MappingProxyType(
    {
        Action.QUERY: Kind(QUERY, "E"),
        Action.FIND: Kind(QUERY, "E"),
        Action.WORKLIST: Kind(QUERY, "E"),
        Action.READ: Kind(ACCESSED, "R"),
        Action.MOVE: Kind(TRANSFERRED, "R"),
        Action.GET: Kind(TRANSFERRED, "R"),
        Action.STORE: Kind(TRANSFERRED, "C"),
        Action.DELETE: Kind(DELETED, "D"),
        Action.DISCLOSE: Kind(EXPORTED, "R"),
        Action.MANAGE: Kind(ALERT, "E", RESTRICTED),
        Action.LOGIN: Kind(AUTHENTICATION, "E", LOGIN),
        Action.REFRESH: Kind(AUTHENTICATION, "E", LOGIN),
        Action.LOGOUT: Kind(AUTHENTICATION, "E", LOGOUT),
        Action.ACCOUNT: Kind(ALERT, "E", USER_RIGHTS),
        Action.GRANT: Kind(ALERT, "E", OBJECT_RIGHTS),
        Action.REVOKE: Kind(ALERT, "E", OBJECT_RIGHTS),
        Action.LINK: Kind(ALERT, "E", OBJECT_RIGHTS),
        Action.BREAK_GLASS: Kind(ALERT, "E", OVERRIDE),
        Action.KEY: Kind(ALERT, "E", SECURITY),
        Action.SETTINGS: Kind(ALERT, "E", SOFTWARE),
        Action.START: Kind(ACTIVITY, "E", STARTED),
        Action.STOP: Kind(ACTIVITY, "E", STOPPED),
        Action.SEARCH: Kind(LOG_USED, "R"),
        Action.EXPORT: Kind(LOG_USED, "R"),
        Action.CUT: Kind(ALERT, "E", RESTRICTED),  # the log's own message is for reading it (PS3.15 A.5.3.2)
    }
)

# XML 1.0 2.2 and FHIR R4 2.24.0.1 (string) know no control characters.
_UNSOUND = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
QUERYING = frozenset({Action.QUERY, Action.FIND, Action.WORKLIST})
_INDICATORS = {Outcome.ALLOWED: "0", Outcome.DENIED: "4", Outcome.FAILED: "8"}


def indicator(event: Event) -> str:
    """Return the outcome indicator (PS3.15 A.5.1): 0 success, 4 minor failure, 8 serious failure."""
    return _INDICATORS[event.outcome]


def details(event: Event) -> list[tuple[str, str]]:
    """Return what is known of an event and has no field of its own in the standards' messages."""
    known = {
        "outcome": str(event.outcome),
        "reason": event.reason,
        "role": event.role,
        "token": event.token_id,
        "series": event.series,
        "route": event.route,
        "count": "" if event.count == 1 else str(event.count),
        "status": "" if event.status is None else str(event.status),
        "refers-to": "" if event.refers_to is None else str(event.refers_to),
        "detail": event.detail,
    }
    return [(name, value) for name, value in known.items() if value]


def sound(text: str) -> str:
    """Return a text without the characters that neither XML nor FHIR can hold."""
    return _UNSOUND.sub("\ufffd", text)
