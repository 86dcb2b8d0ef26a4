"""Coded concepts (PS3.16): of measurements and findings that no standard names, our own."""

from __future__ import annotations

import hashlib
import re

from highdicom.sr import CodedConcept

from neuronova.contract.inference import Code

OURS = "99NEURONOVA"  # private schemes begin with 99 (PS3.16 8.2)
# What UCUM's symbols are called.
_UNITS = {
    "1": "no units",
    "%": "percent",
    "mm": "millimeter",
    "mm2": "square millimeter",
    "mm3": "cubic millimeter",
    "cm3": "cubic centimeter",
    "mL": "milliliter",
    "[hnsf'U]": "Hounsfield unit",
    "a": "year",
    "s": "second",
}


def concept(code: Code) -> CodedConcept:
    """Return a code as highdicom takes it."""
    return CodedConcept(code.value, code.scheme, code.meaning)


def our_code(meaning: str) -> Code:
    """Return the code of a name that a model gave: its beginning, and what tells it from others that begin so."""
    slug = re.sub(r"[^a-z0-9]+", "-", meaning.lower())[:9].strip("-")
    return Code(value=f"{slug}.{hashlib.sha256(meaning.encode()).hexdigest()[:6]}", scheme=OURS, meaning=meaning)


def unit_concept(unit: str) -> CodedConcept:
    """Return a unit of the contract's (TID 300, CID 7181)."""
    return CodedConcept(unit, "UCUM", _UNITS[unit])
