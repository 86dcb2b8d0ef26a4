"""The run: harm without end with good images between, and what became of all of it."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import requests
from pydicom import Dataset

from neuronova.contract.token import TOKEN_HEADER
from proof.chaos.working import ask_frame, by_pynetdicom, is_frame_of
from proof.fuzz.objects import objects
from proof.fuzz.sending import NO_ANSWER, NO_ASSOCIATION, TAKEN, store, store_wrongly
from proof.hospital import MODALITIES, Hospital
from proof.parts import MODELS, PARTS
from tests.server import until
from tests.synthetic import make, uid

WRONGLY = "a message cut short or at odds with itself"
_AT_ONCE = 8  # modalities that send harm
_WRONGLY = 0.3  # of the objects, a message besides
_PAUSE = 2.0  # seconds between two good images
_SETTLED_WITHIN = 600.0  # seconds
_SENT_WITHIN = 600.0


@dataclass
class Findings:
    """What was sent and what came of it."""

    answers: dict[str, Counter[str]] = field(default_factory=dict)
    good: int = 0
    late: list[str] = field(default_factory=list)  # good images that were not taken at once
    lost: list[str] = field(default_factory=list)  # good images that are not there, or not as HTJ2K
    ended: list[str] = field(default_factory=list)  # parts of which a process ended
    outcomes: dict[str, int] = field(default_factory=dict)  # of all that Orthanc keeps

    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def holds(self) -> bool:
        """Tell whether nothing ended and everything good is there."""
        return self.good > 0 and not self.lost and not self.ended

    def count(self, kind: str, answer: str) -> None:
        """Note an answer to an object of a kind."""
        with self.lock:
            self.answers.setdefault(kind, Counter())[answer] += 1


def fuzzed(hospital: Hospital, seconds: float, seed: int) -> Findings:
    """Send for so many seconds, and look at what is there then."""
    found = Findings()
    ends = time.monotonic() + seconds
    turns = (_harm(hospital, found, ends, seed * _AT_ONCE + number) for number in range(_AT_ONCE))
    with _watching(hospital, found):
        with ThreadPoolExecutor(_AT_ONCE) as modalities:
            harm = [modalities.submit(list, turn) for turn in turns]
            good = list(_good(hospital, found, seed, lambda: all(one.done() for one in harm)))
            for one in harm:
                one.result()
        until(lambda: hospital.backlog() == 0, "all has an outcome", _SETTLED_WITHIN)
        found.good = len(good)
        found.lost = [str(one.SOPInstanceUID) for one in good if not _is_there(hospital, one)]
        found.outcomes = _outcomes(hospital)
    return found


def _harm(hospital: Hospital, found: Findings, ends: float, seed: int) -> Iterator[None]:
    """Send harm until the time has come: an object that cannot be read is not answered, and waited for 30 s."""
    settings, dice = hospital.platform.settings, random.Random(seed)
    for one in objects(seed):
        if time.monotonic() > ends:
            return
        found.count(one.kind, store(settings, MODALITIES[0], one.file))
        if dice.random() < _WRONGLY:
            found.count(WRONGLY, store_wrongly(settings, MODALITIES[1], dice))
        yield


def _good(hospital: Hospital, found: Findings, seed: int, over: Callable[[], bool]) -> Iterator[Dataset]:
    """Send a good image each few seconds."""
    for number in count():
        yield _sent(hospital, found, f"good {seed} {number}")
        if over():
            return
        time.sleep(_PAUSE)


def table(found: Findings) -> str:
    """Return what came of each kind as Markdown."""
    lines = ["| sent | times | taken | refused | no answer |", "|---|---:|---:|---|---:|"]
    for kind, answers in sorted(found.answers.items()):
        refused = ", ".join(f"{name}: {times}" for name, times in sorted(answers.items()) if name.startswith("0x"))
        taken, ended = answers[TAKEN], answers[NO_ANSWER] + answers[NO_ASSOCIATION]
        lines.append(f"| {kind} | {answers.total()} | {taken} | {refused or 0} | {ended} |")
    lines += ["", "| what became of what was taken, and of the good images | images |", "|---|---:|"]
    lines += [f"| {outcome} | {images} |" for outcome, images in sorted(found.outcomes.items())]
    return "\n".join(lines)


@contextmanager
def _watching(hospital: Hospital, found: Findings) -> Iterator[None]:
    """Note each process of a part that ends while the block runs; models and commands end by themselves."""
    known = _processes(hospital)
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(1.0):
            now = _processes(hospital)
            found.ended += [part for pid, part in known.items() if pid not in now]
            known.clear()
            known.update(now)

    with ThreadPoolExecutor(1) as threads:
        watcher = threads.submit(look)
        try:
            yield
        finally:
            stop.set()
        watcher.result()  # nothing ended would be no finding if nobody had looked


def _processes(hospital: Hospital) -> dict[int, str]:
    found = {}
    for pid, command in hospital.platform.pids().items():
        part = next((name for name, title in PARTS.items() if title in command and name != MODELS), None)
        if part is not None:
            found[pid] = part
    return found


def _sent(hospital: Hospital, found: Findings, word: str) -> Dataset:
    """Send a good image until it is taken."""
    image = make("ct", SOPInstanceUID=uid(word))

    def taken() -> bool:
        done = bool(by_pynetdicom(MODALITIES[2], hospital.platform.settings, [image]))
        if not done:
            found.late.append(word)
        return done

    until(taken, f"{word} is taken", _SENT_WITHIN)
    return image


def _is_there(hospital: Hospital, image: Dataset) -> bool:
    answer = ask_frame(hospital.person("admin"), image)
    return answer.status_code == requests.codes.ok and is_frame_of(image, answer)


def _outcomes(hospital: Hospital) -> dict[str, int]:
    """Return how many instances have each outcome of encoding."""
    headers = {TOKEN_HEADER: hospital.platform.bearer()}
    address = f"{hospital.platform.settings.orthanc_url}/neuronova/health"
    told = requests.get(address, headers=headers, timeout=30).json()
    return {f"{row['status']} {row['reason'] or ''}".strip(): row["count"] for row in told["outcomes"]}
