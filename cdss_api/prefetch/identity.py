"""Whether a study that another archive tells of may be another patient's: a pure function."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from cdss_api.imaging.matching import Order
from neuronova.contract.prefetch.rules import StudyFound
from neuronova.contract.text import folded

_BETWEEN = re.compile(r"[\s^=,.\-]+")  # words of a PN (PS3.5 6.2.1), however they are divided
_SEXES = ("M", "F")
_WITHOUT_SPACES = ("HANGUL", "CJK")


def doubts(order: Order, found: StudyFound) -> Sequence[str]:
    """Return which attributes say that it is another patient than the order's; none where it is to be fetched.

    The PatientID is the same, but archives have given them twice: something else has to speak for it. A name that is
    written in other letters, or one value that is not known, says nothing; and without both birth dates a family name,
    which every fifth Korean shares, is not enough.
    """
    differing = []
    if found.issuer and found.issuer != order.issuer:
        differing.append("IssuerOfPatientID")
    if found.birth_date and order.birth_date and found.birth_date != order.birth_date:
        differing.append("PatientBirthDate")
    if found.sex in _SEXES and order.sex in _SEXES and found.sex != order.sex:
        differing.append("PatientSex")
    alike = is_alike(order.patient_name, found.patient_name)
    if alike is False:
        differing.append("PatientName")
    if differing or (found.birth_date and order.birth_date):
        return differing
    if alike is None:
        return ["nothing but PatientID is known on both sides"]
    return [] if is_same(order.patient_name, found.patient_name) else ["PatientName, without both birth dates"]


def is_alike(one: str, other: str) -> bool | None:
    """Tell whether two names (VR PN) have a word in common, or are one without spaces.

    None where they have no letters of one kind in common.
    """
    ours, theirs = _by_script(one), _by_script(other)
    compared = [(ours[script], theirs[script]) for script in ours.keys() & theirs.keys()]
    return any(not set(a).isdisjoint(b) or "".join(a) == "".join(b) for a, b in compared) if compared else None


def is_same(one: str, other: str) -> bool:
    """Tell whether all words of the shorter of two names (VR PN) are in the longer, and are a whole name."""
    ours, theirs = _by_script(one), _by_script(other)
    return any(_is_same(script, ours[script], theirs[script]) for script in ours.keys() & theirs.keys())


def _is_same(script: str, ours: Sequence[str], theirs: Sequence[str]) -> bool:
    fewer, more = sorted((ours, theirs), key=len)
    if "".join(fewer) == "".join(more):
        # In Hangul and Hanja a whole name is often one word.
        return len(more) > 1 or (script in _WITHOUT_SPACES and len(fewer[0]) > 1)
    return len(fewer) > 1 and set(fewer) <= set(more)


def _by_script(name: str) -> dict[str, list[str]]:
    """Return the words of a name by the script of their letters: LATIN, HANGUL, CJK, .."""
    found: dict[str, list[str]] = {}
    for word in filter(None, _BETWEEN.split(folded(name))):
        letter = next((each for each in word if each.isalpha()), "")
        if letter:
            found.setdefault(unicodedata.name(letter, "").partition(" ")[0], []).append(word)
    return found
