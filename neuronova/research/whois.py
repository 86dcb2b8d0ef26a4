"""Who a pseudonym is: only with the key, by trying the archive's patients."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator

from neuronova.archive.asking import Asking
from neuronova.research.pseudonyms import Pseudonyms

PAGE = 500

Whose = tuple[str, str]
"""Issuer, empty where there is none, and PatientID."""


def who_is(asking: Asking, pseudonyms: Pseudonyms, pseudonym: str, moved: Callable[[], None]) -> Whose | None:
    """Return whose pseudonym it is, None where no patient of the archive has it; `moved` is told of each study.

    Raises:
        PlatformError: the platform does not answer as it should.
    """
    tried: set[Whose] = set()
    for study in _studies(asking):
        for held in asking.json("GET", "/neuronova/holdings", params={"study": study})["patients"]:
            whose = (held["issuer"], held["patient_id"])
            if whose not in tried and hmac.compare_digest(pseudonyms.patient(*whose), pseudonym):
                return whose
            tried.add(whose)
        moved()
    return None


def _studies(asking: Asking) -> Iterator[str]:
    since = 0
    while page := asking.json("GET", "/studies", params={"expand": "", "since": since, "limit": PAGE}):
        yield from (one["MainDicomTags"].get("StudyInstanceUID", "") for one in page)
        since += len(page)
