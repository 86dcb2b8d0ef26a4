"""Fails with a patient's name in its words."""

from typing import Any


def run(volume: Any) -> Any:
    raise RuntimeError("DOE^JANE")
