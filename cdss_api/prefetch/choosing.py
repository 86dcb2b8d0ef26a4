"""Which of an archive's studies are an order's priors: a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from cdss_api.imaging.matching import Order
from cdss_api.prefetch.identity import doubts
from neuronova.contract.prefetch.rules import PrefetchRule, StudyFound, fits, newest_first

_ON_ITS_WAY = timedelta(days=2)  # that a study may take from its modality until it is here, too


@dataclass(frozen=True, slots=True)
class Chosen:
    """A study that a rule wants; with `doubts` it is only listed."""

    found: StudyFound
    doubts: Sequence[str]


def choose(
    rule: PrefetchRule, order: Order, told: Iterable[StudyFound], today: date, issuer: str = ""
) -> Sequence[Chosen]:
    """Return the order's priors, the newest first; what is doubtful takes no prior's place.

    An archive may take `*` and `?` of a PatientID for wildcards (PS3.4 C.2.2.2.4), so it is compared again. One that
    does not match by issuer answers without it: those PatientIDs are of `issuer`, as its images will be.
    """
    default = issuer if order.issuer else ""
    chosen: dict[bool, list[Chosen]] = {False: [], True: []}
    for found in newest_first(told):
        if found.patient_id == order.patient_id and found.study != order.study_uid and fits(rule, found, today):
            why = doubts(order, replace(found, issuer=found.issuer or default))
            chosen[bool(why)].append(Chosen(found, why))
    return [*chosen[False][: rule.most], *chosen[True][: rule.most]]


def is_old(study_date: str, today: date) -> bool:
    """Tell whether a study (VR DA) was read elsewhere, surely; a younger one may be on its way here as new work."""
    return "" < study_date < f"{today - _ON_ITS_WAY:%Y%m%d}"
