"""The worker's own process, killed again and again before an external FHIR server."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from cdss_api.outbox.heartbeats import living
from cdss_api.outbox.models import Stream
from tests.emr.delivering import Sender
from tests.emr.peer import Fault
from tests.emr.test_delivery import order, require_whole
from tests.patience import PATIENCE
from tests.server import until
from tests.worker import worker


def holds(process: subprocess.Popen[bytes], name: str) -> bool:
    """Tell whether a process has a file of this name open."""
    try:
        return any(one.readlink().name == name for one in Path(f"/proc/{process.pid}/fd").iterdir())
    except OSError:  # one was closed meanwhile
        return False


def alive(sender: Sender) -> int:
    with sender.service.database.reading() as session:
        return living(session, time.time())


def end_leases(sender: Sender) -> None:
    """Have every lease be over: what two minutes would do."""
    with sender.service.database.writing() as session:
        session.execute(update(Stream).where(Stream.leased).values(visible_at=time.time()))


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.DROP_ANSWER], ids=["slow", "lost"])
def test_a_worker_killed_at_each_write_loses_and_repeats_nothing(
    sender: Sender, variables: dict[str, str], fault: Fault
) -> None:
    sender.clock.time = time.time()
    ids = order(sender.fhir)
    for killed in range(1, 3):
        sender.line.faults = [fault]
        with worker(variables) as process:
            until(lambda killed=killed: len(sender.line.suffered) == killed, "a write is under way")  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
            process.wait()
        end_leases(sender)
    with worker(variables) as process:
        until(lambda: sender.states() == {"completed": 3}, "the delivery of all three")
        process.terminate()
        assert process.wait(PATIENCE) == 0
    require_whole(sender.line, *ids)


def test_a_second_worker_goes_on_where_the_first_ends(sender: Sender, variables: dict[str, str]) -> None:
    sender.clock.time = time.time()
    with worker(variables) as first:
        ids = order(sender.fhir)
        until(lambda: sender.states() == {"completed": 3}, "the delivery of all three")
        with worker(variables) as second:
            if "NEURONOVA_DATABASE_URL" in variables:
                until(lambda: alive(sender) == 2, "two work side by side")
            else:
                until(lambda: holds(second, "worker.lock"), "the second stands at the lock")
                assert alive(sender) == 1
            first.terminate()
            assert first.wait(PATIENCE) == 0
            later = sender.fhir.create({"resourceType": "Patient"})
            until(lambda: sender.states() == {"completed": 4}, "the other worker's delivery")
            second.terminate()
            assert second.wait(PATIENCE) == 0
    assert sender.line.taken == ["Patient", "ServiceRequest", "DiagnosticReport", "Patient"]
    assert sender.line.one("Patient", later)["id"] != sender.line.one("Patient", ids[0])["id"]
