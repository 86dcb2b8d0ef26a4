"""The time of one decision, in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.report import Detail, Result, Row
from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.contract.grants import Patient, Update
from neuronova.contract.roles import Role
from orthanc_plugins.access.address import read_address
from orthanc_plugins.access.bearer import TOKEN_HEADER, Bearers, Rules
from orthanc_plugins.access.gate import Gate
from orthanc_plugins.access.identity import Identity
from orthanc_plugins.access.ledger import Ledger
from orthanc_plugins.access.recording import Recording
from orthanc_plugins.access.register import Register
from orthanc_plugins.access.store import Store
from tests.access import DAY, accounts, key_change, token

PATIENTS, STUDIES = 10_000, 500
LIMIT = 1e-4  # seconds


def measure(quick: bool) -> Iterator[Result]:
    """Yield the median time to decide on a frame, and to decide and record it."""
    times = 5_000 if quick else 50_000
    uids = [f"1.2.826.0.1.3680043.8.498.{number}" for number in range(STUDIES)]
    paths = [f"/dicom-web/studies/{uid}/series/{uid}.1/instances/{uid}.1.1/frames/1" for uid in uids]
    headers = {TOKEN_HEADER: token(Role.DOCTOR)}
    with TemporaryDirectory(prefix="nnd", dir="/var/tmp") as folder:
        store = _store(Path(folder), uids)
        with closing(store), closing(AuditJournal(Path(folder) / "bench.db", "bench")) as journal:
            recording = Recording(recorder=AccessRecorder(journal, time.time), clock=time.time, required=True)
            bearers = Bearers(Ledger(store), Rules(grants_hold=DAY, recent=DAY), "no worker asks")
            gate = Gate(bearers, Register(store), recording)

            def decide(path: str) -> None:
                _, decision, _ = gate._decide(read_address("GET", path), headers)
                assert decision.allowed

            def record(path: str) -> None:
                gate.finish(gate.judge("GET", path, headers, {}, "192.0.2.1"), 200)

            decided, recorded = _p50(decide, paths, times), _p50(record, paths, times)
    yield Row(
        what=f"the gate: one decision, p50, a doctor of {PATIENTS:,} patients",
        against="0.1 ms",
        ours=1000 * decided,
        peer=1000 * LIMIT,
        unit="ms",
        ratio=LIMIT / decided,
        target=1.0,
    )
    yield Detail(
        f"A decision with its audit record, p50: {1e6 * recorded:.0f} us;"
        " a study's first in a minute waits for the disk."
    )


def _store(folder: Path, uids: Sequence[str]) -> Store:
    """Return what a plugin knows of a doctor's patients and of studies of the first of them."""
    store = Store(folder / "access.db")
    patients = [Patient(f"P{number:05}", "") for number in range(PATIENTS)]
    store.save(Update(version=1, full=True, changes=(key_change(), *accounts(doctor=patients))), time.time())
    register = Register(store)
    for patient, uid in zip(patients, uids, strict=False):
        identity = Identity(patient_id=patient.patient_id, issuer=None, study=uid, series=f"{uid}.1")
        register.note(identity, time.time())
    return store


def _p50(call: Callable[[str], None], paths: Sequence[str], times: int) -> float:
    taken = []
    for path in [*paths, *islice(cycle(paths), times)]:
        began = time.perf_counter()
        call(path)
        taken.append(time.perf_counter() - began)
    return median(taken[len(paths) :])
