"""`neuronova audit`, as a person types it."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from neuronova.audit.journal import AuditJournal
from neuronova.audit.positions import Position, name_of, write_position
from neuronova.audit.reading import Reader
from neuronova.audit.trail import Trail
from neuronova.contract.audit import Action, Outcome
from tests.audit.events import event, filled, records, unguarded
from tests.patience import PATIENCE
from tests.running import NEURONOVA, ambient

Command = Callable[..., subprocess.CompletedProcess[str]]
DAY = 86400


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    made = Trail(tmp_path / "data")
    now = time.time()
    for writer in ("orthanc", "api"):
        journal = AuditJournal(made.journal(writer), writer)
        journal.append(*(event(number, time=now - (10 - number) * DAY + 3600) for number in range(10)))
        journal.append(event(10, time=now, outcome=Outcome.DENIED, patient_id="[red]P", detail="=1+1"))
        journal.close()
    return made


@pytest.fixture
def command(trail: Trail, tmp_path: Path) -> Command:
    variables = {"NEURONOVA_DATA": str(trail.data), "COLUMNS": "250"}

    def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [NEURONOVA, "audit", *words],
            env=ambient() | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done

    return run


def test_a_whole_trail_and_a_broken_one(trail: Trail, command: Command) -> None:
    assert "no checkpoint yet" in command("verify").stdout
    assert "api to record 11, orthanc to record 11" in command("checkpoint").stdout
    assert "whole" in command("verify").stdout
    assert "whole" in command("verify", "--key", str(trail.keys / "key.pub")).stdout
    db = unguarded(trail.journal("orthanc"))
    db.execute("UPDATE record SET event = replace(event, 'doctor', 'nurse') WHERE sequence = 4")
    db.close()
    assert "record 4 is not what was written" in command("verify", code=2).stdout
    assert "broken" in command("cut", "--days", "5", "--yes", code=1).stderr


def test_who_has_the_key_is_found_out_by_copies_of_the_checkpoints(
    trail: Trail, command: Command, tmp_path: Path
) -> None:
    command("checkpoint")
    elsewhere = shutil.copytree(trail.checkpoints, tmp_path / "copies")
    for path in [*trail.journals(), *trail.checkpoints.iterdir()]:
        path.unlink()
    command("verify")
    for writer in ("api", "orthanc"):
        filled(trail.journal(writer), writer, 11)
    command("checkpoint")
    assert "whole" in command("verify").stdout
    said = command("verify", "--checkpoints", str(elsewhere), code=2).stdout
    assert said.count("another journal than the one that the checkpoints name") == 2
    assert "is no folder" in command("verify", "--checkpoints", "nowhere", code=1).stderr


def test_a_proof_of_one_record(trail: Trail, command: Command, tmp_path: Path) -> None:
    assert "after the last checkpoint" in command("prove", "api", "3", code=1).stderr
    command("checkpoint")
    file = tmp_path / "proof.json"
    command("prove", "api", "3", "--output", str(file))
    assert "Record 3 of api" in command("verify", "--proof", str(file)).stdout
    file.write_text(file.read_text().replace("doctor", "nurse"))
    command("verify", "--proof", str(file), code=1)
    assert "no journal of nobody" in command("prove", "nobody", "3", code=1).stderr


def test_a_search_is_recorded_before_it_is_answered(trail: Trail, command: Command) -> None:
    shown = command("search", "--outcome", "denied").stdout
    assert "[red]P" in shown
    assert shown.count("denied") == 2
    assert "orthanc 11" in shown
    (asked,) = [one.event for one in records(trail.journal("cli"))]
    assert asked.action is Action.SEARCH
    assert json.loads(asked.detail) == {"outcome": "denied"}
    assert "no time" in command("search", "--since", "yesterday", code=1).stderr


@pytest.mark.parametrize(("form", "count"), [("fhir", 5), ("dicom", 5), ("csv", 6)])
def test_an_export_is_recorded_and_overwrites_nothing(
    trail: Trail, command: Command, tmp_path: Path, form: str, count: int
) -> None:
    file = tmp_path / "export"
    words = ("export", "--format", form, "--output", str(file), "--patient", "P1")
    assert f"5 records are in {file}" in command(*words).stdout  # one of them is that of the export
    assert len(file.read_text().splitlines()) == count
    assert file.stat().st_mode & 0o777 == 0o600
    assert "File exists" in command(*words, code=1).stderr
    exported = [one.event for one in records(trail.journal("cli"))]
    assert [(one.action, one.patient_id) for one in exported] == [(Action.EXPORT, "P1")] * 2
    if form == "csv":
        assert {row["patient_id"] for row in csv.DictReader(file.read_text().splitlines())} == {"P1"}


def test_after_a_cut_the_trail_is_whole_and_smaller(trail: Trail, command: Command) -> None:
    said = command("cut", "--days", "5", "--yes").stdout
    # What is removed was signed before.
    assert "no checkpoint" not in command("verify").stdout
    assert "orthanc lost records 1 to 5" in said
    assert "cli has nothing so old" in said
    assert "holds from record 6 on" in command("verify").stdout
    assert [one.sequence for one in records(trail.journal("api"))] == [6, 7, 8, 9, 10, 11]
    assert "api has nothing so old" in command("cut", "--days", "5", "--yes").stdout
    trail.cuts.joinpath(next(trail.cuts.iterdir()).name).unlink()
    command("verify", code=2)


def test_what_a_collector_has_not_had_is_not_cut(trail: Trail, command: Command, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NEURONOVA_SYSLOG=logs.example.org\n")
    assert "orthanc has nothing so old" in command("cut", "--days", "5", "--yes").stdout
    with Reader(trail.journal("orthanc")) as reader:
        sent = {name_of(reader.writer, reader.id): 3}
    write_position(trail.forwarded / "logs.example.org-6514.json", Position(sent=sent, problem="it is away"))
    assert "orthanc lost records 1 to 3" in command("cut", "--days", "5", "--yes").stdout
    assert "nothing is sent: it is away" in command("status").stdout


def test_the_status(trail: Trail, command: Command, tmp_path: Path) -> None:
    said = command("status").stdout
    assert "Signed: there is no checkpoint; 22 records wait, the first of" in said
    assert "Forwarded: to nobody" in said
    assert "Kept: for ever" in said
    command("checkpoint")
    command("cut", "--days", "5", "--yes")
    command("checkpoint")
    (tmp_path / ".env").write_text("NEURONOVA_SYSLOG=logs:601\nNEURONOVA_AUDIT_YEARS=7\n")
    said = command("status").stdout
    assert "nothing waits" in said
    assert "Forwarded: to logs:601; 13 records wait" in said
    assert "Kept: for 7 years (NEURONOVA_AUDIT_YEARS); the last cut is of" in said
