"""The events of accounts as audit records."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from cdss_api.accounts import recording
from cdss_api.accounts.recording import Record
from neuronova.audit.journal import AuditJournal
from neuronova.contract.audit import Action, Event, Outcome
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role

_ACTIONS: Mapping[recording.Action, Action] = MappingProxyType(
    {
        recording.Action.LOGIN: Action.LOGIN,
        recording.Action.LOGOUT: Action.LOGOUT,
        recording.Action.REFRESH: Action.REFRESH,
        recording.Action.ACCOUNT_ADD: Action.ACCOUNT,
        recording.Action.ACCOUNT_CHANGE: Action.ACCOUNT,
        recording.Action.GRANT: Action.GRANT,
        recording.Action.REVOKE: Action.REVOKE,
        recording.Action.BREAK_GLASS: Action.BREAK_GLASS,
        recording.Action.LINK_MAKE: Action.LINK,
        recording.Action.LINK_REVOKE: Action.LINK,
        recording.Action.KEY_ROTATE: Action.KEY,
        recording.Action.MODALITY: Action.SETTINGS,
        recording.Action.MODALITY_ECHO: Action.MANAGE,
        recording.Action.SETTINGS_SHOW: Action.SETTINGS,
        recording.Action.CLIENT_ADD: Action.ACCOUNT,
        recording.Action.CLIENT_CHANGE: Action.ACCOUNT,
        recording.Action.CLIENT_TOKEN: Action.LOGIN,
        recording.Action.AUDIT_SEARCH: Action.SEARCH,
        recording.Action.MISMATCH_LIST: Action.QUERY,
        recording.Action.MISMATCH_DECISION: Action.MANAGE,
        recording.Action.STEP_MATCH: Action.MANAGE,
        recording.Action.MERGE: Action.MANAGE,
        recording.Action.MERGE_LIST: Action.QUERY,
        recording.Action.MERGE_DECISION: Action.MANAGE,
        recording.Action.OUTBOX_TARGET: Action.SETTINGS,
        recording.Action.OUTBOX_MESSAGE: Action.MANAGE,
        recording.Action.JOB_LIST: Action.QUERY,
        recording.Action.JOB_SHOW: Action.READ,
        recording.Action.RESULT_LIST: Action.READ,
        recording.Action.INFERENCE_ASK: Action.READ,
        recording.Action.JOB_DECISION: Action.MANAGE,
        recording.Action.FORWARD: Action.MOVE,
        recording.Action.FORWARD_LIST: Action.QUERY,
        recording.Action.PREFETCH: Action.FIND,
        recording.Action.PREFETCH_LIST: Action.QUERY,
        recording.Action.HOLD: Action.MANAGE,
        recording.Action.HOLD_LIFT: Action.MANAGE,
        recording.Action.HOLD_LIST: Action.QUERY,
        recording.Action.RETENTION: Action.DELETE,
        recording.Action.RETENTION_LIST: Action.QUERY,
    }
)


def recorder(journal: AuditJournal, clock: Callable[[], float] = time.time) -> Record:
    """Return what writes each event of accounts to `journal`, durably."""

    def record(
        *,
        action: recording.Action,
        outcome: recording.Outcome,
        reason: str | None,
        subject: str,
        role: Role | None,
        token_id: str | None,
        patient: Patient | None,
        address: str | None,
        detail: Mapping[str, str],
    ) -> None:
        told = {"what": action.value, **detail} | ({"reason": reason} if reason else {})
        journal.append(
            Event(
                time=clock(),
                action=_ACTIONS[action],
                outcome=Outcome.DENIED if outcome is recording.Outcome.DENIED else Outcome.ALLOWED,
                reason=(reason or "") if outcome is recording.Outcome.DENIED else "",
                subject=subject,
                role="" if role is None else role.value,
                token_id=token_id or "",
                patient_id="" if patient is None else patient.patient_id,
                issuer="" if patient is None else patient.issuer,
                study=detail.get("study", ""),
                address=address or "",
                detail=json.dumps(told, ensure_ascii=False, sort_keys=True),
            )
        )

    return record
