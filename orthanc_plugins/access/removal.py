"""What a request may take out of the archive: method and path to a resource of Orthanc, as a pure table.

Whatever changes a resource counts as removing it, unless it is known to leave all of it: Orthanc's modifications and
splits delete their source where the body says so, and no filter sees a body.
"""

from __future__ import annotations

from typing import NamedTuple

LEVELS = ("patients", "studies", "series", "instances")
_LEAVES_ALL = frozenset({"archive", "media"})  # copies


class Removal(NamedTuple):
    """A resource, by Orthanc's identifier, or a study by its UID; `ANYTHING` where only the body says which."""

    level: str
    identifier: str


ANYTHING = Removal("", "")
BY_UID = "StudyInstanceUID"  # the level of a study that is named so
_IN_THE_BODY = frozenset({("tools", "bulk-delete"), ("tools", "bulk-modify"), ("tools", "bulk-anonymize")})
_AS_BEFORE = frozenset({"resubmit", "resume"})  # a job does again what its body said


def removal(method: str, path: str) -> Removal | None:
    """Return what a request for Orthanc's own REST API may remove, None where it removes nothing."""
    if method == "GET":
        return None
    match path.strip("/").split("/"):
        case [level, identifier, *rest] if level in LEVELS:
            if method == "POST" and rest and rest[0] in _LEAVES_ALL:
                return None
            # It takes its sources from other studies, and names them in its body.
            return ANYTHING if rest[:1] == ["merge"] else Removal(level, identifier)
        case ["jobs", _, action] if action in _AS_BEFORE:
            return ANYTHING
        case [first, second, *_] if (first, second) in _IN_THE_BODY:
            return ANYTHING
        case [root, *_] if root.startswith("_stock-") and method == "DELETE":
            return ANYTHING
    return None
