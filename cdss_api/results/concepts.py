"""Coded concepts as highdicom takes them (PS3.16)."""

from __future__ import annotations

from highdicom.sr import CodedConcept

from neuronova.contract.inference import Code

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


def unit_concept(unit: str) -> CodedConcept:
    """Return a unit of the contract's (TID 300, CID 7181)."""
    return CodedConcept(unit, "UCUM", _UNITS[unit])
