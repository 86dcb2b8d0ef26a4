"""What it means that an archive could not be asked, or did not send: a pure function of what Orthanc says."""

from __future__ import annotations

import re

from cdss_api.outbox.verdicts import Outcome, Verdict

_STATUS = re.compile(r"(C-[A-Z]+) SCU .*DIMSE status 0x([0-9A-Fa-f]{4})")
_OUT_OF_RESOURCES = range(0xA700, 0xA800)
_DESTINATION_UNKNOWN = 0xA801
_NOT_AUTHORIZED = 0x0124
_FOR_GOOD = (0x0122, _NOT_AUTHORIZED, _DESTINATION_UNKNOWN, 0xA900)
_SAYS = {
    _DESTINATION_UNKNOWN: ": it does not know our AE title as a destination",
    _NOT_AUTHORIZED: ": we may not",
}


def of_failure(details: str) -> Outcome:
    """Return what a failed C-FIND or C-MOVE means (PS3.4 C.4.1.1.4, C.4.2.1.5).

    - No association, no answer in time, or one that broke off: the archive is down; it waits. So it does where the
      archive is out of resources (A7xx).
    - SOP class not supported, not authorized, destination unknown, identifier does not match: for good.
    - All others may pass.
    """
    status = _STATUS.search(details)
    if status is None:
        return Outcome(Verdict.TARGET_DOWN, details[:200] or "the association ended")
    code = int(status[2], 16)
    said = f"the archive answers {status[1]} with status 0x{code:04X}{_SAYS.get(code, '')}"
    if code in _OUT_OF_RESOURCES:
        return Outcome(Verdict.TARGET_DOWN, said)
    return Outcome(Verdict.PERMANENT if code in _FOR_GOOD else Verdict.TRANSIENT, said)
