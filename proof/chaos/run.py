"""One run: a hospital at work, faults one after the other, and the judgement."""

from __future__ import annotations

import random
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from proof.chaos.clock import Clock
from proof.chaos.faults import Fault, Surroundings, disk, every, strike
from proof.chaos.judging import Judge
from proof.chaos.ledger import Ledger
from proof.chaos.recovery import recover
from proof.chaos.report import Report
from proof.chaos.working import Shift, working
from proof.hospital import MODALITIES, hospital, models
from tests import postgres
from tests.databases import named
from tests.emr.peer import emr
from tests.wire import Wire, to_port, to_socket

KINDS = "Patient,ServiceRequest,ImagingStudy,DiagnosticReport"
DISK, RESERVE = 3072, 64  # MiB
_SETTLED_WITHIN = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does: faults for `seconds`, with `pause` seconds of quiet before each."""

    seconds: float
    seed: int = 1
    pause: float = 5.0
    only: tuple[str, ...] = ()  # words of the faults' names; all without any
    radiologists: int = 2
    modalities: int = 3
    examine: float = 8.0  # seconds between two examinations of one modality
    shorter: float = 1.0  # how many times shorter faults are than usual
    once: bool = False  # each fault once, however long that takes
    keep: Path | None = None  # where logs are copied to


def run(folder: Path, plan: Plan) -> Report:
    """Run a hospital in an empty folder with a short name."""
    with surroundings(folder, plan) as (where, judge):
        try:
            report = Report(recoveries=faulted(where, judge.ledger, plan))
            judged(judge, report)
        finally:
            if plan.keep is not None:
                shutil.copytree(where.hospital.platform.settings.data / "log", plan.keep, dirs_exist_ok=True)
                shutil.copy(where.hospital.platform.output, plan.keep)
    return report


def faulted(where: Surroundings, ledger: Ledger, plan: Plan) -> dict[str, list[float | None]]:
    """Have people work while faults happen; return by fault the seconds until all worked again."""
    found: dict[str, list[float | None]] = {}
    shift = Shift(where.hospital, ledger, f"c{plan.seed}", plan.examine, threading.Event(), threading.Event())
    with working(shift, MODALITIES[: plan.modalities], plan.radiologists, plan.seed):
        for fault in _chosen(every(where), plan):
            time.sleep(plan.pause)
            _say(f"{fault.name} ..")
            strike(fault, where, fault.seconds / plan.shorter)
            took = recover(where.hospital)
            found.setdefault(fault.name, []).append(took)
            _say(f"  works again after {took:.1f} s" if took is not None else "  DOES NOT WORK AGAIN")
    return found


def judged(judge: Judge, report: Report) -> None:
    """Let what is on its way arrive, and note what became of all that was acknowledged."""
    recover(judge.hospital)
    began = time.monotonic()
    while waiting := judge.waiting():
        if time.monotonic() - began > _SETTLED_WITHIN:
            break
        _say(f"waiting for {waiting}")
        time.sleep(3)
    report.waiting, report.settled = waiting, time.monotonic() - began
    report.counts, report.asked = judge.counts(), dict(judge.ledger.asked)
    try:
        judge.hospital.platform.command("audit", "verify")
    except AssertionError as error:
        report.trail = str(error)


@contextmanager
def surroundings(folder: Path, plan: Plan) -> Iterator[tuple[Surroundings, Judge]]:
    """Run all that faults act on; the judge asks database and EMR behind their wires."""
    with ExitStack() as stack:
        address = stack.enter_context(postgres.cluster())
        postgres.execute(address, "CREATE DATABASE neuronova")
        address = named(address, "neuronova")
        server = stack.enter_context(emr())
        to_database = Wire(to_socket(f"{address.partition('host=')[2]}/.s.PGSQL.5432"))
        to_emr = Wire(to_port(urlsplit(server).port or 0))
        stack.callback(to_database.close)
        stack.callback(to_emr.close)
        data = stack.enter_context(disk(folder / "data", DISK))
        clock = Clock(folder) if Clock.can_be_made() else None
        changes: dict[str, str] = {
            **models(folder),
            **({} if clock is None else clock.environment()),
            "NEURONOVA_DATABASE_URL": f"postgresql://tests@127.0.0.1:{to_database.port}/neuronova",
            "NEURONOVA_DISK_RESERVE": str(RESERVE),
        }
        place = stack.enter_context(hospital(data, plan.radiologists, **changes))
        target = f"http://127.0.0.1:{to_emr.port}/fhir"
        place.platform.command("outbox", "target", "add", "emr", target, "--kinds", KINDS, "--profile", "medplum")
        yield Surroundings(place, data, to_database, to_emr, clock), Judge(place, Ledger(), address, server)


def _chosen(faults: Mapping[str, Fault], plan: Plan) -> Iterator[Fault]:
    """Yield faults in random order: each once before any comes again."""
    choice, end = random.Random(plan.seed), time.monotonic() + plan.seconds
    named = [one for one in faults.values() if not plan.only or any(words in one.name for words in plan.only)]
    if not named:
        raise SystemExit(f"no fault is called so; there are {', '.join(faults)}")
    while True:
        for fault in choice.sample(named, len(named)):
            if not plan.once and time.monotonic() > end:
                return
            yield fault
        if plan.once:
            return


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
