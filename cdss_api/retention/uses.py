"""When a study was last opened: what the audit journals of all Orthancs say."""

from __future__ import annotations

from pathlib import Path

from cdss_api.retention.looking import Uses
from neuronova.audit.search import Query, search
from neuronova.audit.trail import Trail
from neuronova.contract.audit import Action, Outcome
from neuronova.contract.orthancs import is_name
from neuronova.contract.studies import StudyKey


def last_use(data: Path) -> Uses:
    """Return what looks a study up in the journals of the plugin, which records who reads images.

    Those of Orthancs that are no longer there count as well.
    """
    trail = Trail(data)

    def last(key: StudyKey) -> float:
        journals = [path for path in trail.journals() if is_name(path.stem)]
        query = Query(study=key.study, action=Action.READ, outcome=Outcome.ALLOWED)
        found = search(journals, query, limit=1).records
        return found[0].event.time if found else 0.0

    return last
