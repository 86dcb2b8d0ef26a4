"""Samples of memory, taken beside what else happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from proof.parts import anonymous_memory, summed

Samples = list[tuple[float, Mapping[str, float]]]


@contextmanager
def sampling(commands: Callable[[], Mapping[int, str]], every: float) -> Iterator[Samples]:
    """Look at these processes every so many seconds for the length of a block; the list that is yielded grows.

    What ends the looking is raised at the block's end: half a run's samples say nothing of the whole.
    """
    stop, samples = threading.Event(), Samples()

    def sample() -> None:
        while not stop.wait(every):
            samples.append((time.monotonic(), summed(commands(), anonymous_memory)))

    with ThreadPoolExecutor(1) as pool:
        sampler = pool.submit(sample)
        try:
            yield samples
        finally:
            stop.set()
        sampler.result()
