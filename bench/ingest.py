"""C-STORE: how fast a modality gets rid of its slices."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pydicom import Dataset

from bench.images import head_ct, write_copies
from bench.peer import OUR_ENVIRONMENT, bare, ours
from bench.report import Detail, Pairs, Result
from tests.server import Server, until

SLICES = 140
ROUNDS = 3
TARGETS = {1: 2.0, 4: 1.5}
SAME_ENVIRONMENT = 0.95
PLAIN, ENVIRONED = "bare Orthanc as the distribution starts it", "the same in our environment"
TRIES = 4


def measure(quick: bool) -> Iterator[Result]:
    """Yield ours against the bare Orthanc, as it comes and in our environment."""
    slices = head_ct()
    count, rounds = (28, 1) if quick else (SLICES, ROUNDS)
    with ours() as our, bare() as plain, bare(**OUR_ENVIRONMENT) as environed:
        servers = (our, plain, environed)
        for server in servers:
            _rate(_storescu, server, slices, 28, 4)  # files, caches and databases are warm now
        for name, send in (("pynetdicom", _pynetdicom), ("storescu", _storescu)):
            for associations, target in TARGETS.items():
                against, environed_too = Pairs(), Pairs()
                for number in range(rounds):
                    # Each server is first in its turn.
                    order = [*servers[number % 3 :], *servers[: number % 3]]
                    rates: dict[int, float] = {}
                    for server in order:
                        until(lambda: our.state()["backlog"] == 0, "our workers are done", 120)
                        rates[id(server)] = _rate(send, server, slices, count, associations)
                    against.add(rates[id(our)], rates[id(plain)])
                    environed_too.add(rates[id(our)], rates[id(environed)])
                what = f"C-STORE by {name}, {associations} association{'s' if associations > 1 else ''}"
                yield against.row(what, PLAIN, "instances/s", target)
                yield environed_too.row(what, ENVIRONED, "instances/s", SAME_ENVIRONMENT)
                spread = ", ".join(f"{a / b:.2f}" for a, b in zip(environed_too.ours, environed_too.peer, strict=True))
                yield Detail(f"{what}, {ENVIRONED}: the ratios round by round are {spread}.")


def storescu_rate(server: Server, slices: Sequence[Dataset], count: int, associations: int) -> float:
    """Return how many instances a second DCMTK's `storescu` gets rid of."""
    return _rate(_storescu, server, slices, count, associations)


Send = Callable[[Server, Sequence[Path]], float | None]


def _rate(send: Send, server: Server, slices: Sequence[Dataset], count: int, associations: int) -> float:
    each = count // associations
    for _ in range(TRIES):
        with TemporaryDirectory(prefix="nns") as folder:
            folders = [write_copies(slices, each, Path(folder) / str(number)) for number in range(associations)]
            took = send(server, folders)
        if took is not None:
            return each * associations / took
    raise RuntimeError(f"answers were lost {TRIES} times")


def _storescu(server: Server, folders: Sequence[Path]) -> float:
    command = ["storescu", "+sd", "-aec", server.settings.aet, "127.0.0.1", str(server.settings.dicom_port)]
    began = time.perf_counter()
    modalities = [subprocess.Popen([*command, str(one)], stderr=subprocess.DEVNULL) for one in folders]
    ended = [modality.wait() for modality in modalities]
    took = time.perf_counter() - began
    if any(ended):
        raise RuntimeError(f"storescu ended with {ended}")
    return took


def _pynetdicom(server: Server, folders: Sequence[Path]) -> float | None:
    """Return the seconds, or None where pynetdicom lost an answer and waited in vain."""
    command = [sys.executable, "-m", "bench.modality", str(server.settings.dicom_port), server.settings.aet]
    modalities = [
        subprocess.Popen([*command, str(one)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for one in folders
    ]
    for modality in modalities:
        assert modality.stdout is not None
        modality.stdout.readline()
    began = time.perf_counter()
    for modality in modalities:
        assert modality.stdin is not None
        modality.stdin.write("go\n")
        modality.stdin.flush()
    said = [_last_word(modality) for modality in modalities]
    took = time.perf_counter() - began
    for modality in modalities:
        modality.communicate()
    return took if all(lost == 0 for lost in said) else None


def _last_word(modality: subprocess.Popen[str]) -> int:
    assert modality.stdout is not None
    return int(modality.stdout.readline())
