"""The gate by itself: what was decided a moment ago does not outlive what it rested on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.audit.reading import Reader
from neuronova.contract.grants import AccountChange, Change, GrantChange, Ground, Patient, Revocation, Update
from neuronova.contract.roles import Role
from orthanc_plugins.access.bearer import TOKEN_HEADER, Bearers, Rules
from orthanc_plugins.access.decision import Reason
from orthanc_plugins.access.gate import Gate, Judgement
from orthanc_plugins.access.identity import Identity
from orthanc_plugins.access.ledger import Ledger
from orthanc_plugins.access.recording import Recording
from orthanc_plugins.access.register import Register
from orthanc_plugins.access.store import Store
from orthanc_plugins.stored import orthanc_identifier
from tests.access import DAY, accounts, key_change, token

KIM, LEE = Patient("KIM", ""), Patient("LEE", "")
STUDY = "1.2.3"
TOKEN_ID, SESSION = "the token", "the login"


@dataclass
class Door:
    """A gate whose clock stands still unless a test moves it."""

    ledger: Ledger
    register: Register
    gate: Gate
    file: Path
    recorder: AccessRecorder
    clock: list[float]
    version: int = 1
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, frame: int = 1) -> Judgement:
        path = f"/dicom-web/studies/{STUDY}/series/1.2.3.4/instances/1.2.3.4.5/frames/{frame}"
        judged = self.gate.judge("GET", path, self.headers, {}, "192.0.2.1")
        self.gate.finish(judged, 200)
        return judged

    def tell(self, *changes: Change) -> None:
        self.version += 1
        self.ledger.apply(Update(version=self.version, full=False, changes=changes), self.clock[0])

    def note(self, patient: Patient) -> None:
        identity = Identity(patient_id=patient.patient_id, issuer=None, study=STUDY, series=f"1.{patient.patient_id}")
        self.register.note(identity, self.clock[0])


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    bearing = token(Role.DOCTOR, token_id=TOKEN_ID, session=SESSION)
    clock = [time.time()]
    with (
        closing(Store(tmp_path / "access.db")) as store,
        closing(AuditJournal(tmp_path / "gate.db", "gate")) as journal,
    ):
        store.save(Update(version=1, full=True, changes=(key_change(), *accounts(doctor=[KIM]))), clock[0])
        recorder = AccessRecorder(journal, lambda: clock[0])
        recording = Recording(recorder=recorder, clock=lambda: clock[0], required=True)
        ledger, register = Ledger(store), Register(store)
        bearers = Bearers(ledger, Rules(grants_hold=60, recent=DAY), "no worker asks")
        gate = Gate(bearers, register, recording, clock=lambda: clock[0])
        door = Door(ledger, register, gate, tmp_path / "gate.db", recorder, clock, headers={TOKEN_HEADER: bearing})
        door.note(KIM)
        yield door


TAKEN = GrantChange(account="doctor", patient_id="KIM", issuer="", ground=Ground.CARE_TEAM, granted=False)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (TAKEN, Reason.HIDDEN),
        (Revocation(ended=TOKEN_ID, until=9e9), Reason.REVOKED),
        (Revocation(ended=SESSION, until=9e9), Reason.REVOKED),
        (AccountChange(account="doctor", role=Role.DOCTOR, enabled=False), Reason.DISABLED),
        (AccountChange(account="doctor", role=Role.NURSE, enabled=True), Reason.REVOKED),
    ],
)
def test_a_change_holds_for_the_next_frame(door: Door, change: Change, reason: Reason) -> None:
    assert [door.ask(frame).decision.reason for frame in (1, 2)] == [Reason.CARE_TEAM] * 2
    door.tell(change)
    assert door.ask(3).decision.reason is reason


def test_a_second_patient_of_the_study_holds_for_the_next_frame(door: Door) -> None:
    assert door.ask().decision.allowed
    door.note(LEE)
    assert door.ask().decision.reason is Reason.HIDDEN


def test_what_another_orthanc_stored_holds_for_the_next_frame(door: Door, tmp_path: Path) -> None:
    assert door.ask().decision.allowed
    with closing(Store(tmp_path / "access.db")) as other:
        Register(other).note(Identity(patient_id="LEE", issuer=None, study=STUDY, series="1.LEE"), door.clock[0])
    assert door.ask().decision.reason is Reason.HIDDEN


def test_what_another_orthanc_deleted_is_noted_anew_when_it_comes_again(door: Door, tmp_path: Path) -> None:
    with closing(Store(tmp_path / "access.db")) as other:
        Register(other).forget_study(orthanc_identifier("KIM", STUDY))
    assert door.ask().decision.reason is Reason.HIDDEN
    door.note(KIM)
    assert door.ask().decision.allowed


def test_grants_that_nobody_confirms_end_in_the_middle_of_a_burst(door: Door) -> None:
    assert door.ask().decision.allowed
    door.clock[0] += 61
    assert door.ask().decision.reason is Reason.STALE


def test_each_access_of_a_burst_is_counted(door: Door) -> None:
    first = door.clock[0] = (door.clock[0] // 60 + 1) * 60
    for number in range(130):  # over two minutes and a bit
        door.clock[0] = first + number
        door.ledger.heard_again(door.clock[0])
        for frame in range(3):
            assert door.ask(frame).decision.allowed
    door.recorder.close()
    with Reader(door.file) as reader:
        events = [reader.record(entry).event for entry in reader.entries()]
    assert sum(event.count for event in events) == 130 * 3
    assert len([event for event in events if event.refers_to is None]) == 3  # one decision a minute


def test_another_token_address_or_study_is_another_decision(door: Door) -> None:
    assert door.ask().decision.allowed
    assert door.gate.judge("GET", f"/dicom-web/studies/{STUDY}9", door.headers, {}, "192.0.2.1").decision.status == 404
    assert (
        door.gate.judge("DELETE", f"/dicom-web/studies/{STUDY}", door.headers, {}, "192.0.2.1").decision.status == 403
    )
    assert door.gate.judge("GET", f"/dicom-web/studies/{STUDY}", {}, {}, "192.0.2.1").decision.status == 401
