"""What is told to the audit journal: every event of accounts goes through `Record`, before its change is committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role


class Action(StrEnum):
    """What happened."""

    LOGIN = "login"
    LOGOUT = "logout"
    REFRESH = "refresh"  # recorded where it is refused
    ACCOUNT_ADD = "account-add"
    ACCOUNT_CHANGE = "account-change"
    GRANT = "grant"
    REVOKE = "revoke"
    BREAK_GLASS = "break-glass"
    LINK_MAKE = "link-make"
    LINK_REVOKE = "link-revoke"
    KEY_ROTATE = "key-rotate"
    MODALITY = "modality"
    MODALITY_ECHO = "modality-echo"
    SETTINGS_SHOW = "settings-show"
    CLIENT_ADD = "client-add"
    CLIENT_CHANGE = "client-change"
    CLIENT_TOKEN = "client-token"  # noqa: S105 - a name
    AUDIT_SEARCH = "audit-search"
    MISMATCH_LIST = "mismatch-list"
    MISMATCH_DECISION = "mismatch-decision"
    STEP_MATCH = "step-match"
    MERGE = "merge"
    MERGE_LIST = "merge-list"
    MERGE_DECISION = "merge-decision"
    OUTBOX_TARGET = "outbox-target"
    OUTBOX_MESSAGE = "outbox-message"
    JOB_LIST = "job-list"
    JOB_SHOW = "job-show"
    JOB_DECISION = "job-decision"
    FORWARD = "forward"
    FORWARD_LIST = "forward-list"
    PREFETCH = "prefetch"  # an archive is asked for a patient's studies
    PREFETCH_LIST = "prefetch-list"
    INFERENCE_ASK = "inference-ask"
    RESULT_LIST = "result-list"
    HOLD = "hold"
    HOLD_LIFT = "hold-lift"
    HOLD_LIST = "hold-list"
    RETENTION = "retention"  # a study leaves by a rule
    RETENTION_LIST = "retention-list"


class Outcome(StrEnum):
    """How it went."""

    DONE = "done"
    DENIED = "denied"


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who does something, and from where."""

    subject: str
    role: Role | None = None
    token_id: str | None = None
    address: str | None = None


class Record(Protocol):
    """Writes one record durably; raises where it cannot, and then the change must not happen."""

    def __call__(
        self,
        *,
        action: Action,
        outcome: Outcome,
        reason: str | None,
        subject: str,
        role: Role | None,
        token_id: str | None,
        patient: Patient | None,
        address: str | None,
        detail: Mapping[str, str],
    ) -> None:
        """Write it."""


def record_nothing(**_event: object) -> None:
    """Take the place of a journal where there is none."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Takes records, and writes them when it is told to."""

    _events: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, **event: Any) -> None:
        """Take one."""
        self._events.append(event)

    def write(self, record: Record) -> None:
        """Write them in their order."""
        for event in self._events:
            record(**event)


_NOTHING: Mapping[str, str] = MappingProxyType({})


def write(
    record: Record,
    actor: Actor,
    action: Action,
    outcome: Outcome = Outcome.DONE,
    *,
    reason: str | None = None,
    patient: Patient | None = None,
    detail: Mapping[str, str] = _NOTHING,
) -> None:
    """Record what `actor` did."""
    record(
        action=action,
        outcome=outcome,
        reason=reason,
        subject=actor.subject,
        role=actor.role,
        token_id=actor.token_id,
        patient=patient,
        address=actor.address,
        detail=detail,
    )
