"""Retention: what is too old goes to a file, by a signed statement from which verification goes on."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from neuronova.audit import cuts
from neuronova.audit.checkpoints import make_checkpoint
from neuronova.audit.cuts import Cut, export_digest, make_cut, read_cuts
from neuronova.audit.diagnosis import Damage
from neuronova.audit.journal import AuditJournal
from neuronova.audit.signing import signer_of
from neuronova.audit.trail import Trail
from neuronova.audit.verify import ChainReport, verify
from neuronova.contract.audit import record_from_json
from tests.audit.events import NOON, event, filled, records, unguarded


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    trail = Trail(tmp_path / "data")
    filled(trail.journal("api"), "api", 50)
    make_checkpoint(trail.journals(), trail.checkpoints, signer_of(trail.keys), NOON)
    return trail


def cut(trail: Trail, seconds: float) -> Cut | None:
    return make_cut(trail.journal("api"), NOON + seconds, trail, signer_of(trail.keys), NOON + 1000)


def chain(trail: Trail) -> ChainReport:
    return verify(trail, signer_of(trail.keys).keys).chains[0]


def test_what_is_older_is_exported_and_removed(trail: Trail) -> None:
    before = records(trail.journal("api"))
    made = cut(trail, 20)
    assert made is not None
    assert (made.first, made.sequence) == (1, 20)
    assert records(trail.journal("api")) == before[20:]
    export = trail.removed / made.export
    assert [record_from_json(json.loads(line)) for line in export.read_text().splitlines()] == before[:20]
    assert export_digest(export) == made.digest
    report = chain(trail)
    assert report.fault is None
    assert (report.cut, report.verified, report.last) == (made, 30, 50)


def test_cuts_follow_one_another(trail: Trail) -> None:
    assert cut(trail, -5) is None
    assert cut(trail, 20) is not None
    assert cut(trail, 20) is None
    second = cut(trail, 30)
    assert second is not None
    assert (second.first, second.sequence) == (21, 30)
    assert chain(trail).cut == second
    third = cut(trail, 1e6)
    assert third is not None
    assert third.sequence == 49  # the last record stays, for the next to follow
    assert chain(trail).fault is None


def test_the_writer_goes_on(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuts, "_AT_ONCE", 3)
    journal = AuditJournal(trail.journal("api"), "api")
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            journal.append(event(100))

    writing = threading.Thread(target=write)
    writing.start()
    made = cut(trail, 50)
    stop.set()
    writing.join()
    journal.append(event(101))
    journal.close()
    assert made is not None
    report = chain(trail)
    assert report.fault is None
    assert report.cut == made
    assert report.last == records(journal.path)[-1].sequence > 50


def test_what_an_interrupted_cut_left_is_told_and_removed_by_the_next(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(cuts, "_remove", lambda *_: None)
        cut(trail, 20)
    fault = chain(trail).fault
    assert fault is not None
    assert fault.damage == Damage.LEFT
    assert cut(trail, 20) is None
    assert chain(trail).fault is None


def test_without_its_statement_a_cut_is_a_loss(trail: Trail) -> None:
    cut(trail, 20)
    for file in trail.cuts.iterdir():
        file.unlink()
    fault = chain(trail).fault
    assert fault is not None
    assert str(fault) == "records 1 to 20 are missing"


def test_a_forged_statement_does_not_count(trail: Trail) -> None:
    cut(trail, 20)
    db = unguarded(trail.journal("api"))
    db.execute("DELETE FROM record WHERE sequence <= 25")
    db.close()
    (file,) = trail.cuts.iterdir()
    file.write_text(file.read_text().replace('"sequence":20', '"sequence":25'))
    report = verify(trail, signer_of(trail.keys).keys)
    assert "signature is wrong" in report.faults[0]
    assert report.chains[0].fault is not None
    assert read_cuts(trail.cuts, signer_of(trail.keys).keys).valid == ()
