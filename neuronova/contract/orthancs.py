"""Several Orthancs on one index: which of them a process is, and what is called after it."""

from __future__ import annotations

import re
from collections.abc import Mapping

NUMBER = "ORTHANC_NUMBER"
"""The variable in the environment of a further Orthanc; the first one has none."""


def number_of(environment: Mapping[str, str]) -> int:
    """Return which Orthanc `environment` is of, from 1."""
    return int(environment.get(NUMBER, "1"))


def name_of(number: int) -> str:
    """Return what the program, its log, its journal and its files are called."""
    return "orthanc" if number == 1 else f"orthanc-{number}"


def is_name(name: str) -> bool:
    """Tell whether one of them is called that."""
    return re.fullmatch(r"orthanc(-\d+)?", name) is not None
