"""What the end of a job of Orthanc means for a message."""

from __future__ import annotations

import pytest

from cdss_api.forwarding.verdicts import of_job
from cdss_api.orthanc import OrthancJob
from cdss_api.outbox.verdicts import Verdict

SAYS = 'C-STORE SCU to AET "PEER" has failed with DIMSE status 0x{}'


@pytest.mark.parametrize(
    ("job", "verdict", "said"),
    [
        (OrthancJob("Success", 0, ""), Verdict.OK, ""),
        (OrthancJob("Failure", 9, SAYS.format("A700")), Verdict.TARGET_DOWN, "0xA700"),
        (OrthancJob("Failure", 9, SAYS.format("a7ff")), Verdict.TARGET_DOWN, "0xA7FF"),
        (OrthancJob("Failure", 9, SAYS.format("0110")), Verdict.TRANSIENT, "0x0110"),
        (OrthancJob("Failure", 9, SAYS.format("0122")), Verdict.PERMANENT, "0x0122: it refuses the SOP class"),
        (OrthancJob("Failure", 9, SAYS.format("A900")), Verdict.PERMANENT, "0xA900"),
        (OrthancJob("Failure", 9, SAYS.format("C000")), Verdict.PERMANENT, "0xC000"),
        (OrthancJob("Failure", 2, ""), Verdict.PERMANENT, "no such SOP class or transfer syntax"),
        (OrthancJob("Failure", 9, "TCP Initialization Error"), Verdict.TARGET_DOWN, "TCP Initialization Error"),
        (OrthancJob("Failure", 9, ""), Verdict.TARGET_DOWN, "the association ended"),
    ],
)
def test_what_comes_of_a_job(job: OrthancJob, verdict: Verdict, said: str) -> None:
    outcome = of_job(job)
    assert outcome.verdict is verdict
    assert said in (outcome.detail or "")
