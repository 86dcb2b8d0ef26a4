"""What people are told of: the one table of kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from neuronova.contract.roles import Role
from neuronova.contract.text import marked


class Channel(StrEnum):
    """How somebody is told."""

    IN_APP = "in-app"
    WEBHOOK = "webhook"
    EMAIL = "email"


class Kind(StrEnum):
    """What happened."""

    CRITICAL_FINDING = "ai-critical-finding"
    JOB_FAILED = "ai-job-failed"
    BREAK_GLASS = "break-glass"


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """Whom a kind is for, and how they are told unless they chose otherwise.

    `text` is all that an e-mail or a webhook says of it: it names no patient. `treating` tells only those of a care
    team that treat the patient, not who sees them by breaking the glass.
    """

    text: str
    roles: frozenset[Role]
    channels: frozenset[Channel] = frozenset({Channel.IN_APP})
    treating: bool = False


KINDS: Mapping[Kind, Meaning] = MappingProxyType(
    {
        Kind.CRITICAL_FINDING: Meaning(
            text=marked("An AI model reports a finding that may be critical. AI, not for diagnosis."),
            roles=frozenset({Role.RADIOLOGIST, Role.DOCTOR}),
        ),
        Kind.JOB_FAILED: Meaning(text=marked("An AI job failed."), roles=frozenset({Role.ADMIN})),
        Kind.BREAK_GLASS: Meaning(
            text=marked("Somebody opened a patient's record in an emergency."),
            roles=frozenset({Role.ADMIN, Role.DOCTOR}),
            treating=True,
        ),
    }
)


def kinds_for(role: Role) -> tuple[Kind, ...]:
    """Return the kinds that a role is told of, in the table's order."""
    return tuple(kind for kind, meaning in KINDS.items() if role in meaning.roles)
