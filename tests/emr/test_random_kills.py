"""A hundred times kill -9, or two hundred, at drawn moments of requests, while messages flow and answers are lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import func, select, update

from cdss_api.outbox.models import Stream
from neuronova.platform.layout import REPOSITORY
from tests.emr.delivering import Sender
from tests.emr.peer import Fault
from tests.emr.stops import Moment, Stop
from tests.fhir.asking import patient
from tests.fhir.resources import good
from tests.server import until

KILLS = 25  # of each seed on each database
CHANGES = 2  # before each
PATIENTS = 8
MORE = 0.03  # seconds at most that a worker lives after the answer that its end was drawn for


@dataclass
class Nursery:
    """Where workers come from."""

    process: subprocess.Popen[str]

    def worker(self) -> int:
        """Start one; return its process id."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def nursery(variables: dict[str, str]) -> Iterator[Nursery]:
    """Run a nursery; it is killed at the end."""
    program = [sys.executable, "-m", "tests.emr.nursery", json.dumps(variables)]
    with subprocess.Popen(program, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Nursery(process)
        finally:
            process.kill()


@dataclass
class Ward:
    """Patients whose record changes: `versions` are how many there are of each, `orders` are theirs."""

    sender: Sender
    dice: random.Random
    versions: dict[str, int] = field(default_factory=dict)
    orders: list[tuple[str, str]] = field(default_factory=list)

    def change(self) -> None:
        """Write a new patient, a new version of one, or an order."""
        self.sender.clock.time = time.time()
        fhir = self.sender.fhir
        if len(self.versions) < PATIENTS:
            self.versions[fhir.create(patient(multipleBirthInteger=1))] = 1
            return
        kim = self.dice.choice(list(self.versions))
        if self.dice.random() < 0.2:
            order = good("ServiceRequest", subject={"reference": f"Patient/{kim}"}, requester=None)
            self.orders.append((kim, fhir.create(order)))
            return
        self.versions[kim] += 1
        changed = patient(id=kim, multipleBirthInteger=self.versions[kim])
        assert fhir.ask("PUT", f"/Patient/{kim}", changed).status_code == 200

    def require_whole(self) -> None:
        """Require that the server took every version of every patient once, in order, and every order once."""
        for kim, last in self.versions.items():
            remote = self.sender.line.one("Patient", kim)["id"]
            history = self.sender.line.history("Patient", remote)
            assert [one["multipleBirthInteger"] for one in reversed(history)] == list(range(1, last + 1))
        for kim, order in self.orders:
            theirs = self.sender.line.one("ServiceRequest", order)
            assert theirs["subject"]["reference"] == f"Patient/{self.sender.line.one('Patient', kim)['id']}"
            assert len(self.sender.line.history("ServiceRequest", theirs["id"])) == 1


def end_leases(sender: Sender) -> int:
    """Have every lease be over, which is what a minute would do; return how many there were."""
    with sender.service.database.writing() as session:
        held = session.scalar(select(func.count()).select_from(Stream).where(Stream.leased)) or 0
        session.execute(update(Stream).where(Stream.leased).values(visible_at=time.time()))
    return held


def gone(process: int) -> bool:
    """Return whether a process has ended and the kernel has closed what it held."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def killed_at_work(sender: Sender, births: Nursery, dice: random.Random) -> bool:
    """Start a worker and kill it at a moment of a request, or when nothing is left; return whether it was at work.

    What it sent has ended before another one starts, as it has where a lease is over by time: it is the longer one.
    """
    line = sender.line
    line.stop = stop = Stop(dice.choice(list(Moment)), dice.randrange(3))
    process = births.worker()
    until(lambda: stop.reached.is_set() or not sender.open(), "some work of the worker")
    if stop.moment is Moment.ANSWERED:
        time.sleep(dice.uniform(0, MORE))  # before, while or after the answer is written down, or in the next request
    os.kill(process, signal.SIGKILL)
    until(lambda: gone(process), "the end of a killed worker")
    stop.let_go()
    until(lambda: line.connections == 0, "the end of its requests")
    return end_leases(sender) > 0


@pytest.mark.parametrize(
    "seed",
    [1, 4, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3))],
    ids=["one", "four", "two", "three"],
)
def test_kills_at_random_lose_nothing_repeat_nothing_and_keep_the_order(
    sender: Sender, variables: dict[str, str], seed: int
) -> None:
    dice = random.Random(seed)
    ward = Ward(sender, dice)
    struck = 0
    with nursery(variables) as births:
        for _ in range(KILLS):
            for _ in range(CHANGES):
                ward.change()
            if dice.random() < 0.3:
                sender.line.faults.append(dice.choice([Fault.DROP_ANSWER, Fault.DROP_REQUEST]))
            struck += killed_at_work(sender, births, dice)
        last = births.worker()
        try:
            until(lambda: not sender.open(), "the delivery of all")
        finally:
            os.kill(last, signal.SIGKILL)
    ward.require_whole()
    assert struck >= KILLS // 2
    assert len(sender.line.suffered) > KILLS // 10
    assert sender.conflicts() == []
    assert set(sender.states()) == {"completed"}
