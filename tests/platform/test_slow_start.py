"""How long `neuronova run` waits for parts on a machine that is busy with other things."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout
from neuronova.platform.parts import Part
from neuronova.platform.running import wait_for_parts
from neuronova.platform.supervisor import Supervisor


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """One that runs and says nothing yet."""
    with subprocess.Popen(["sleep", "60"]) as process:  # its stand-in: no part of it is asked
        yield Supervisor(Layout(tmp_path), process)
        process.kill()


def _waited(tmp_path: Path, supervisor: Supervisor, looks: tuple[int, ...]) -> tuple[bool, list[str]]:
    """Wait for parts that answer at the so manieth look; between two looks 10 s pass."""
    said: list[str] = []
    asked = [count(1) for _ in looks]

    def part(number: int) -> Part:
        return Part(f"part{number}", "api", lambda: next(asked[number]) >= looks[number])

    seconds = (10.0 * number for number in count())
    parts = tuple(part(number) for number in range(len(looks)))
    up = wait_for_parts(parts, supervisor, Layout(tmp_path), threading.Event(), said.append, lambda: next(seconds))
    return up, said


def test_as_long_as_parts_come_up_it_goes_on_waiting(tmp_path: Path, supervisor: Supervisor) -> None:
    up, said = _waited(tmp_path, supervisor, (5, 5, 5))
    assert up
    assert len(said) == 3


def test_a_part_that_does_not_come_ends_the_start(tmp_path: Path, supervisor: Supervisor) -> None:
    with pytest.raises(PlatformError, match="part1 did not answer in 60 s"):
        _waited(tmp_path, supervisor, (2, 1000))
