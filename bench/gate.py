"""The gate (tokens, permissions, audit) on against off, in requests per second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import requests
from pydicom import Dataset

from bench.frames import AS_STORED
from bench.images import brain_mr, head_ct
from bench.peer import ours
from bench.report import Detail, Pairs, Result
from bench.wrk import Load, load, told
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role
from tests.access import accounts, token
from tests.dicomweb.wire import instance_path
from tests.server import Server
from tests.synthetic import part10

WITHOUT_GATE = Path(__file__).with_name("open") / "open_entry.py"
DICOM_JSON = "application/dicom+json"
PATIENTS = 10_000  # of the doctor who asks
ROUNDS = 9


def measure(quick: bool) -> Iterator[Result]:
    """Yield frames and metadata per second, asked for by a doctor of many patients."""
    ct, mr = head_ct(), brain_mr()
    rounds, seconds = (2, 1) if quick else (ROUNDS, 3)
    frames = [f"/dicom-web/{instance_path(one)}/frames/1" for one in ct]
    series = f"/dicom-web/studies/{mr[0].StudyInstanceUID}/series/{mr[0].SeriesInstanceUID}/metadata"
    seen = [Patient(f"P{number:05}", "") for number in range(PATIENTS)] + [_patient(ct[0]), _patient(mr[0])]
    doctor = token(Role.DOCTOR)
    with ours(known=accounts(doctor=seen)) as on, ours(ORTHANC_SCRIPT=str(WITHOUT_GATE)) as off:
        for server in (on, off):
            for one in (*ct, *mr):
                server.upload(part10(one))
            server.until_settled(len(ct) + len(mr), 300)
        if not requests.get(off.url + frames[0], headers={"Accept": AS_STORED}, timeout=60).ok:
            raise RuntimeError("the gate is not off")

        def ask(server: Server, paths: Sequence[str], accept: str, connections: int) -> Load:
            return load(server.url, paths, accept=accept, token=doctor, connections=connections, seconds=seconds)

        for what, paths, accept, connections in (
            ("frames, 4 connections", frames, AS_STORED, 4),
            ("frames, 16 connections", frames, AS_STORED, 16),
            (f"series metadata of {len(mr)} slices, 4 connections", [series], DICOM_JSON, 4),
        ):
            loads = []
            for number in range(rounds):
                order = (on, off) if number % 2 else (off, on)
                given = {id(server): ask(server, paths, accept, connections) for server in order}
                loads.append((given[id(on)], given[id(off)]))
            pairs = Pairs([one.rate for one, _ in loads], [other.rate for _, other in loads])
            yield pairs.row(f"the gate: {what}", "the same without the gate", "/s", 0.8)
            yield Detail(f"The gate: {what}: on {told([a for a, _ in loads])}; off {told([b for _, b in loads])}.")


def _patient(one: Dataset) -> Patient:
    return Patient(str(one.PatientID), str(one.get("IssuerOfPatientID", "")))
