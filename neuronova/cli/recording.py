"""What a command is about to do, in the audit trail, in the name of who types it."""

from __future__ import annotations

import getpass
import json
import time
from contextlib import closing
from typing import Any

from neuronova.contract.audit import Action, Event, Outcome
from neuronova.contract.settings import Settings
from neuronova.platform.errors import PlatformError


def recorded(
    settings: Settings, action: Action, route: str, patient_id: str, issuer: str, study: str, detail: str = ""
) -> None:
    """Record what is done with a patient's images.

    Raises:
        PlatformError: it cannot be recorded, so it must not happen.
    """
    whose = {"patient_id": patient_id, "issuer": issuer, "study": study}
    _append(settings, action, Outcome.ALLOWED, reason="command", route=route, detail=detail, **whose)


def record_management(settings: Settings, *, outcome: Outcome = Outcome.ALLOWED, **detail: str) -> None:
    """Record that the platform is managed; `detail` says how.

    Raises:
        PlatformError: it cannot be recorded, so it must not happen.
    """
    _append(settings, Action.MANAGE, outcome, detail=json.dumps(detail, ensure_ascii=False, sort_keys=True))


def _append(settings: Settings, action: Action, outcome: Outcome, **more: Any) -> None:
    """Write it; the journal is free for other commands right after."""
    from cdss_api.audit.journals import open_journal
    from neuronova.audit.files import JournalFailed

    event = Event(time=time.time(), action=action, outcome=outcome, subject=f"cli:{getpass.getuser()}", **more)
    try:
        with closing(open_journal(settings, "cli")) as journal:
            journal.append(event)
    except JournalFailed as error:
        raise PlatformError(f"it cannot be recorded, so it is not done: {error}") from None
