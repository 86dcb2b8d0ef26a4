"""Scopes of SMART App Launch 2.2 (and of 1.0): which interactions with which types of FHIR resource a token is for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 4096  # characters of a list of scopes: a token has to carry it
_SCOPE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]{1,63})\.([a-z*]{1,5})(\?.*)?", re.ASCII)
_LETTERS = "cruds"
_FIRST_VERSION = {"read": "rs", "write": "cud", "*": _LETTERS}


class Interaction(StrEnum):
    """What one letter of a scope allows (SMART App Launch 2.2, Scopes for requesting FHIR Resources)."""

    CREATE = "c"
    READ = "r"  # with the versions and the history of one resource
    UPDATE = "u"  # and patch
    DELETE = "d"
    SEARCH = "s"  # and the history of a type


class Context(StrEnum):
    """In whose place something is done."""

    PATIENT = "patient"
    USER = "user"
    SYSTEM = "system"


class OddScope(ValueError):
    """A scope that is not understood here; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One scope: `kind` is a type of resource or `*` for all, `letters` are of `cruds`, in this order."""

    context: Context
    kind: str
    letters: str

    def __str__(self) -> str:
        return f"{self.context}/{self.kind}.{self.letters}"

    def allows(self, context: Context, kind: str, interaction: Interaction) -> bool:
        """Tell whether an interaction with resources of `kind` is within this scope."""
        return self.context is context and self.kind in ("*", kind) and interaction in self.letters


Scopes = frozenset[Scope]


def parse_scope(text: str) -> Scope:
    """Return the scope that is written, of either version: `system/Patient.read` is `system/Patient.rs`.

    Raises:
        OddScope: it is none, or narrowed by a search parameter, which is not supported.
    """
    found = _SCOPE.fullmatch(text)
    if found is None:
        raise OddScope("this is no scope such as system/Patient.rs or system/*.read")
    context, kind, written, search = found.groups()
    if search is not None:
        raise OddScope("scopes with search parameters are not supported")
    letters = _FIRST_VERSION.get(written, written)
    if "".join(letter for letter in _LETTERS if letter in letters) != letters:
        raise OddScope("after the dot stand letters of cruds, in this order, or read, write or *")
    return Scope(Context(context), kind, letters)


def parse_scopes(text: str) -> Scopes:
    """Return the scopes of a list with spaces between (RFC 6749 3.3); raises OddScope as `parse_scope` does."""
    if len(text) > LONGEST:
        raise OddScope(f"a list of scopes has at most {LONGEST} characters")
    return frozenset(parse_scope(one) for one in text.split())


def written(scopes: Iterable[Scope]) -> str:
    """Return the list that `parse_scopes` reads."""
    return " ".join(str(one) for one in sorted(scopes))


def allows(scopes: Scopes, context: Context, kind: str, interaction: Interaction) -> bool:
    """Tell whether any of the scopes allows an interaction."""
    return any(one.allows(context, kind, interaction) for one in scopes)


def within(asked: Scopes, allowed: Scopes) -> Scopes:
    """Return as much of what is asked for as is allowed, scope by scope (RFC 6749 3.3)."""
    granted = set()
    for one in asked:
        kinds = {one.kind} if one.kind != "*" else {other.kind for other in allowed}
        for kind in kinds:
            letters = "".join(i for i in one.letters if allows(allowed, one.context, kind, Interaction(i)))
            if letters:
                granted.add(Scope(one.context, kind, letters))
    return frozenset(granted)
