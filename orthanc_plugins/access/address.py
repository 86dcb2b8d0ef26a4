"""A method and a path to what they address: the table of all routes that are answered at all.

What the table does not name has no permission and is refused to everybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from neuronova.contract.audit import Action
from neuronova.contract.roles import Permission

DICOM_WEB = "/dicom-web"
STOCK_ROOTS = ("_stock-dicom-web", "_stock-wado")
LONGEST_PATH = 8192
# From the study down, as PS3.5 9.1 has UIDs, without its rule on leading zeros: vendors break it.
_UIDS = re.compile(r"[0-9.]{1,64}(?:/[0-9.]{1,64})*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Address(NamedTuple):
    """What a request is about.

    `permission` is what it takes, None where nothing suffices. The UIDs are those in the path, and `odd` says that one
    of them cannot be a UID.
    """

    action: Action
    permission: Permission | None
    study: str | None = None
    series: str | None = None
    instance: str | None = None
    odd: bool = False

    @property
    def uids(self) -> tuple[str, ...]:
        """The UIDs from the study down."""
        if self.study is not None and self.series is not None and self.instance is not None:
            return (self.study, self.series, self.instance)
        return tuple(uid for uid in (self.study, self.series, self.instance) if uid is not None)


NOWHERE = Address(Action.READ, None)

_LEVELS = ("studies", "series", "instances")
# What follows a study, series or instance, and how many segments more it takes at most.
_VIEWS: Mapping[str, int] = MappingProxyType({"metadata": 0, "rendered": 0, "thumbnail": 0, "bulk": 32, "frames": 2})

# First segments of Orthanc's own REST API (Explorer and plugins included), which is for those who manage the archive.
_ORTHANC = frozenset(
    (
        *("app", "changes", "exports", "instances", "jobs", "modalities", "patients", "peers", "plugins", "queries"),
        *("series", "statistics", "storage-commitment", "studies", "system", "tools"),
    )
)
# Code and shutdown by HTTP: nothing a network client should ever do, whoever it is.
_NEVER = frozenset({("tools", "execute-script"), ("tools", "shutdown"), ("tools", "reset")})
_MANAGING = frozenset({"PUT", "POST", "DELETE"})


def read_address(method: str, path: str) -> Address:
    """Return what `path`, decoded and from the server's root, addresses; NOWHERE for what nobody may ask."""
    if len(path) > LONGEST_PATH or not path.startswith("/"):
        return NOWHERE
    if not path.isprintable() and _CONTROL.search(path):  # the first is quick, and says no to more than controls
        return NOWHERE
    segments = path[1:].split("/")
    if segments[-1] == "" and len(segments) > 1:
        segments.pop()
    if "/." in path and ("." in segments or ".." in segments):
        return NOWHERE
    reader = _READERS.get(segments[0], _read_orthanc)
    return reader(method, segments)


def _read_orthanc(method: str, segments: Sequence[str]) -> Address:
    if segments == [""]:
        return Address(Action.READ, Permission.ARCHIVE_MANAGE) if method == "GET" else NOWHERE
    if segments[0] not in _ORTHANC or "" in segments or tuple(segments[:2]) in _NEVER:
        return NOWHERE
    if method == "GET":
        return Address(Action.READ, Permission.ARCHIVE_MANAGE)
    if method not in _MANAGING:
        return NOWHERE
    if segments == ["instances"]:
        return Address(Action.STORE, Permission.ARCHIVE_MANAGE)
    return Address(Action.DELETE if method == "DELETE" else Action.MANAGE, Permission.ARCHIVE_MANAGE)


def _read_own(method: str, segments: Sequence[str]) -> Address:
    match method, *segments[1:]:
        case "GET", "holdings":
            return Address(Action.READ, Permission.ARCHIVE_MANAGE)
        case "GET", "health" | "metrics":
            return Address(Action.READ, Permission.PLATFORM_HEALTH)
        case "POST", "outcomes":  # a question that is too long for a GET
            return Address(Action.READ, Permission.ARCHIVE_MANAGE)
        case "POST", "encode":
            return Address(Action.MANAGE, Permission.ARCHIVE_MANAGE)
        case _:
            return NOWHERE


def _read_stock(method: str, _segments: Sequence[str]) -> Address:
    # Beside Orthanc's own API it tells nothing new; the gateway does not lead here.
    return Address(Action.READ if method == "GET" else Action.MANAGE, Permission.ARCHIVE_MANAGE)


def _read_wado(method: str, segments: Sequence[str]) -> Address:
    # What it addresses stands in its arguments: with_wado_arguments.
    return Address(Action.READ, Permission.IMAGES_READ) if method == "GET" and len(segments) == 1 else NOWHERE


def with_wado_arguments(address: Address, arguments: Mapping[str, str]) -> Address:
    """Return the address of a WADO-URI request, which names its object in the query (PS3.18 9.1)."""
    uids = [arguments.get(name) for name in ("studyUID", "seriesUID", "objectUID")]
    study, series, instance = (uid or None for uid in uids)
    odd = _is_odd([uid or "" for uid in uids])  # the standard asks for all three
    return Address(address.action, address.permission, study, series, instance, odd)


def _read_dicom_web(method: str, segments: Sequence[str]) -> Address:
    below = segments[1:]
    if not below or "" in below:
        return NOWHERE
    if below[0] in ("servers", "info"):
        action = Action.READ if method == "GET" else Action.MANAGE
        return Address(action, Permission.ARCHIVE_MANAGE)
    reader = _METHODS.get(method)
    return NOWHERE if reader is None else reader(below)


def _read_get(below: Sequence[str]) -> Address:
    uids = _uids(below)
    rest = below[2 * len(uids) :]
    if uids and (not rest or (rest[0] in _VIEWS and len(rest) - 1 <= _VIEWS[rest[0]])):
        return _address(Action.READ, Permission.IMAGES_READ, uids)
    if len(rest) == 1 and rest[0] in _LEVELS[len(uids) :]:
        return _address(Action.QUERY, Permission.IMAGES_QUERY, uids)
    return NOWHERE


def _read_post(below: Sequence[str]) -> Address:
    if below[0] == "studies" and len(below) <= 2:
        return _address(Action.STORE, Permission.IMAGES_STORE, _uids(below))
    return NOWHERE


def _read_delete(below: Sequence[str]) -> Address:
    uids = _uids(below)
    return _address(Action.DELETE, Permission.IMAGES_DELETE, uids) if uids and len(below) == 2 * len(uids) else NOWHERE


def _uids(below: Sequence[str]) -> Sequence[str]:
    """Return the UIDs of `studies/UID/series/UID/instances/UID`, as far as the path goes that way."""
    uids = below[1:6:2]
    for depth, name in enumerate(below[: 2 * len(uids) : 2]):
        if name != _LEVELS[depth]:
            return uids[:depth]
    return uids


def _address(action: Action, permission: Permission, uids: Sequence[str]) -> Address:
    study, series, instance = (*uids, None, None, None)[:3]
    return Address(action, permission, study, series, instance, _is_odd(uids))


def _is_odd(uids: Sequence[str]) -> bool:
    return bool(uids) and _UIDS.fullmatch("/".join(uids)) is None  # at once, for each request pays for it


_METHODS: Mapping[str, Callable[[Sequence[str]], Address]] = MappingProxyType(
    {"GET": _read_get, "POST": _read_post, "DELETE": _read_delete}
)
_READERS: Mapping[str, Callable[[str, Sequence[str]], Address]] = MappingProxyType(
    {
        "dicom-web": _read_dicom_web,
        "wado": _read_wado,
        "neuronova": _read_own,
        **dict.fromkeys(STOCK_ROOTS, _read_stock),
    }
)
