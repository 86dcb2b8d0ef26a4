"""When a study was last opened: what Orthanc's audit journal says."""

from __future__ import annotations

from pathlib import Path

from cdss_api.retention.looking import Uses
from neuronova.audit.search import Query, search
from neuronova.audit.trail import Trail
from neuronova.contract.audit import Action, Outcome
from neuronova.contract.studies import StudyKey


def last_use(data: Path) -> Uses:
    """Return what looks a study up in the journal of the plugin, which records who reads images."""
    journal = Trail(data).journal("orthanc")

    def last(key: StudyKey) -> float:
        if not journal.exists():
            return 0.0
        query = Query(study=key.study, action=Action.READ, outcome=Outcome.ALLOWED)
        found = search([journal], query, limit=1).records
        return found[0].event.time if found else 0.0

    return last
