"""Codes of measurements and findings that no standard names: our own."""

from __future__ import annotations

import hashlib
import re

from neuronova.contract.inference import Code

OURS = "99NEURONOVA"  # private schemes begin with 99 (PS3.16 8.2)


def our_code(meaning: str) -> Code:
    """Return the code of a name that a model gave: its beginning, and what tells it from others that begin so."""
    slug = re.sub(r"[^a-z0-9]+", "-", meaning.lower())[:9].strip("-")
    return Code(value=f"{slug}.{hashlib.sha256(meaning.encode()).hexdigest()[:6]}", scheme=OURS, meaning=meaning)
