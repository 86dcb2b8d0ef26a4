"""When a study was last opened, from the audit journals of all Orthancs."""

from __future__ import annotations

from pathlib import Path

from cdss_api.retention.uses import last_use
from neuronova.audit.journal import AuditJournal
from neuronova.audit.trail import Trail
from neuronova.contract.audit import Action, Event, Outcome
from neuronova.contract.studies import StudyKey
from tests.audit.events import NOON, event

STUDY = StudyKey("1.2.3", "P1", "")


def write(data: Path, writer: str, *events: Event) -> None:
    path = Trail(data).journal(writer)
    path.parent.mkdir(exist_ok=True)
    journal = AuditJournal(path, writer)
    journal.append(*events)
    journal.close()


def test_whichever_orthanc_was_asked_last_tells(tmp_path: Path) -> None:
    write(tmp_path, "orthanc", event(1, study=STUDY.study), event(5, study="1.2.4"))
    write(tmp_path, "orthanc-2", event(3, study=STUDY.study), event(4, study=STUDY.study, outcome=Outcome.DENIED))
    write(tmp_path, "orthanc-3", event(2, study=STUDY.study), event(6, study=STUDY.study, action=Action.QUERY))
    write(tmp_path, "api", event(7, study=STUDY.study))
    assert last_use(tmp_path)(STUDY) == NOON + 3


def test_what_nobody_opened_was_never_used(tmp_path: Path) -> None:
    assert last_use(tmp_path)(STUDY) == 0.0
    write(tmp_path, "orthanc", event(5, study="1.2.4"))
    assert last_use(tmp_path)(STUDY) == 0.0
