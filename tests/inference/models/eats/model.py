"""Takes memory without end."""

from typing import Any


def run(volume: Any) -> Any:
    kept = []
    while True:
        kept.append(bytearray(16 << 20))
