"""Study lists of a doctor who sees 10,000 patients, against those of a radiologist, whom nothing limits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from bench.peer import ours
from bench.report import Pairs, Result
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role
from tests.access import HEADER, accounts, token
from tests.server import Server
from tests.synthetic import make, part10, uid

PATIENTS = 10_000
ROUNDS = 7
PAGE = 101  # studies that OHIF asks for at a time
LISTS: dict[str, dict[str, Any]] = {
    "the first page": {"limit": PAGE},
    "a page of the middle": {"limit": PAGE, "offset": PATIENTS // 2},
    "by a part of the name": {"limit": PAGE, "PatientName": "*name001*"},
    "by date": {"limit": PAGE, "StudyDate": "20260105-20260106"},
}


def measure(quick: bool) -> Iterator[Result]:
    """Yield seconds for each kind of list; both see every study, so that both answer the same."""
    count = PATIENTS // 20 if quick else PATIENTS
    patients = [Patient(f"P{number:05}", "") for number in range(count)]
    with ours(known=accounts(doctor=patients)) as server:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: _store(server, number), range(count)))
        server.until_settled(count, 600)
        for what, query in LISTS.items():
            pairs, asked = Pairs(), {**query, "offset": min(int(query.get("offset", 0)), count // 2)}
            for number in range(2 if quick else ROUNDS):
                roles = (Role.DOCTOR, Role.RADIOLOGIST)
                took = {role: _seconds(server, role, asked) for role in (roles if number % 2 else roles[::-1])}
                pairs.add(took[Role.DOCTOR], took[Role.RADIOLOGIST])
            yield pairs.row(
                f"study list, {count:,} permitted patients: {what}",
                "the stock plugin's list, unlimited",
                "s",
                0.8,
                less_is_better=True,
            )


def _store(server: Server, number: int) -> None:
    server.upload(
        part10(
            make(
                "sr",
                PatientID=f"P{number:05}",
                PatientName=f"Name{number:05}^Test",
                StudyDate=f"2026{1 + number // 28 % 12:02}{1 + number % 28:02}",
                StudyInstanceUID=uid(f"list study {number}"),
                SeriesInstanceUID=uid(f"list series {number}"),
                SOPInstanceUID=uid(f"list instance {number}"),
            )
        )
    )


def _seconds(server: Server, role: Role, query: dict[str, Any]) -> float:
    began = time.perf_counter()
    answer = requests.get(f"{server.dicomweb}/studies", params=query, headers={HEADER: token(role)}, timeout=120)
    took = time.perf_counter() - began
    answer.raise_for_status()
    if not answer.json():
        raise RuntimeError(f"nothing found by {query}")
    return took
