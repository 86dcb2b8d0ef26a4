"""What the end of Orthanc's job means for a message: a pure function of what it says."""

from __future__ import annotations

import re

from cdss_api.orthanc import OrthancJob
from cdss_api.outbox.verdicts import Outcome, Verdict

_STATUS = re.compile(r"DIMSE status 0x([0-9A-Fa-f]{4})")
_NOT_IMPLEMENTED = 2  # Orthanc 1.10 and 1.12: no presentation context was accepted, and it may not transcode
_NO_CONTEXT = re.compile(r"cannot transcode|presentation context|SOP class", re.IGNORECASE)
_REFUSED_SOP_CLASS = 0x0122
_OUT_OF_RESOURCES = range(0xA700, 0xA800)
_PROCESSING_FAILURE = 0x0110


def of_job(job: OrthancJob) -> Outcome:
    """Return what came of a job that has ended.

    - No association, no answer in time, or one that broke off: the destination is down; it waits.
    - A status of C-STORE (PS3.4 B.2.3): out of resources (A7xx) is the destination's trouble as well, a processing
      failure (0110) is tried again, all other failures are for good.
    - No presentation context for the SOP class, or for the transfer syntax as it is stored: for good.
    """
    if job.state == "Success":
        return Outcome(Verdict.OK)
    status = _STATUS.search(job.details)
    if status is not None:
        return _of_status(int(status[1], 16))
    if job.code == _NOT_IMPLEMENTED or _NO_CONTEXT.search(job.details):
        return Outcome(Verdict.PERMANENT, "the destination takes no such SOP class or transfer syntax")
    return Outcome(Verdict.TARGET_DOWN, job.details[:200] or "the association ended")


def _of_status(status: int) -> Outcome:
    said = f"the destination answers C-STORE with status 0x{status:04X}"
    if status in _OUT_OF_RESOURCES:
        return Outcome(Verdict.TARGET_DOWN, said)
    if status == _PROCESSING_FAILURE:
        return Outcome(Verdict.TRANSIENT, said)
    if status == _REFUSED_SOP_CLASS:
        said = f"{said}: it refuses the SOP class"
    return Outcome(Verdict.PERMANENT, said)
