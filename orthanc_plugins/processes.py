"""The worker processes as the plugin sees them: started, called, asked, restarted, ended."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from orthanc_plugins.workers.surroundings import SECRET_VARIABLE, Surroundings

log = logging.getLogger(__name__)

LANES = 2
LANE_TIMEOUT = 120.0  # seconds for one request
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0  # seconds before a process that ended is started again
STEADY = 60.0  # seconds a process lives before its end counts as the first


class LaneFailed(Exception):
    """A lane did not answer; the message says why."""


def _python() -> str:
    # `sys.executable` is Orthanc here; its packages come by PYTHONPATH, which children inherit.
    return f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def _start(
    module: str, surroundings: Surroundings, secret: str, descriptors: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [_python(), "-m", f"orthanc_plugins.workers.{module}", surroundings.argument()],
        # Not an argument: every user of the machine can read those.
        env={**os.environ, SECRET_VARIABLE: secret},
        stdin=subprocess.PIPE,
        pass_fds=descriptors,
    )
    assert process.stdin is not None  # noqa: S101 - for the type checker
    os.set_blocking(process.stdin.fileno(), False)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # its work is in the journal, and whoever takes it next begins anew
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


class EncodeWorker:
    """One encode worker, kept running by `tend`."""

    def __init__(self, surroundings: Surroundings, secret: str) -> None:
        self._surroundings = surroundings
        self._secret = secret
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = FIRST_PAUSE
        self.restarts = 0

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def tend(self, now: float) -> None:
        """Start the process where it does not run, after a pause that grows while it keeps ending."""
        if self.alive:
            return
        if self._process is not None:
            if now - self._started > STEADY:
                self._pause = FIRST_PAUSE
            if now - self._started < self._pause:
                return
            log.warning("%s ended with %s and is started again", self._surroundings.name, self._process.returncode)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            self.restarts += 1
        self._process, self._started = _start("encode", self._surroundings, self._secret), now

    def call(self) -> None:
        """Tell the process that there is something to do."""
        if self._process is not None and self._process.stdin is not None:
            # A full pipe means that it was told already; a broken one, that it is about to be started again.
            with contextlib.suppress(BlockingIOError, BrokenPipeError, ValueError):
                os.write(self._process.stdin.fileno(), b".")

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            _end(self._process)


class Lane:
    """One process that answers one request at a time; started anew after a failure."""

    def __init__(self, surroundings: Surroundings, secret: str) -> None:
        self._surroundings = surroundings
        self._secret = secret
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self.failures = 0  # after each of which it is started again

    def ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Send a request, return the head and the parts of the reply.

        Raises:
            LaneFailed: the process ended or did not answer in time; it is started anew for the next request.
        """
        try:
            connection = self._ready()
            connection.send_bytes(json.dumps(request).encode())
            if not connection.poll(LANE_TIMEOUT):
                raise TimeoutError(f"no answer within {LANE_TIMEOUT:.0f} s")
            head = json.loads(connection.recv_bytes())
            return head, [connection.recv_bytes() for _ in range(head["parts"])]
        except (OSError, EOFError) as error:
            self.failures += 1
            self.end()
            raise LaneFailed(f"{request['task']}: {error!r}") from error

    def start(self) -> None:
        """Start the process, so that the first who asks does not wait for its imports."""
        self._ready()

    def _ready(self) -> Connection:
        if self._connection is None or self._process is None or self._process.poll() is not None:
            self.end()
            here, there = socket.socketpair()
            with there:
                channel = replace(self._surroundings, channel=there.fileno())
                self._process = _start("lane", channel, self._secret, [there.fileno()])
            self._connection = Connection(here.detach())
        return self._connection

    def end(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            _end(self._process)
        self._connection = self._process = None


@dataclass(frozen=True)
class Reply:
    """What a lane answered: `state` is done, skipped, gone or failed."""

    state: str
    head: dict[str, Any]
    parts: list[bytes]


class Crew:
    """All worker processes of one Orthanc."""

    def __init__(self, surroundings: Surroundings, encoders: int, secret: str) -> None:
        # By these names they own work in a journal that several Orthancs share.
        named = "lane" if surroundings.number == 1 else f"lane-{surroundings.number}"
        self._encoders = [EncodeWorker(replace(surroundings, name=f"encode-{n}"), secret) for n in range(encoders)]
        self._lanes = [Lane(replace(surroundings, name=f"{named}-{n}"), secret) for n in range(LANES)]
        self._free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        for lane in self._lanes:
            self._free.put(lane)
        self._ending = threading.Event()
        self._tending = threading.Thread(target=self._tend, name="crew", daemon=True)

    def start(self) -> None:
        """Start the encode workers, and start again what ends, until `end`."""
        for lane in self._lanes:
            lane.start()
        self._tending.start()

    def _tend(self) -> None:
        while not self._ending.wait(0.2):
            for worker in self._encoders:
                worker.tend(time.monotonic())

    def call(self) -> None:
        """Tell the encode workers that there is something to do."""
        for worker in self._encoders:
            worker.call()

    def ask(self, request: dict[str, Any]) -> Reply:
        """Have a lane do `request`, waiting for a free one; tried twice, for a lane may end between two requests."""
        lane = self._free.get()
        try:
            try:
                head, parts = lane.ask(request)
            except LaneFailed as error:
                log.warning("%s; trying once more", error)
                head, parts = lane.ask(request)
        except LaneFailed as error:
            return Reply("failed", {"detail": str(error)}, [])
        finally:
            self._free.put(lane)
        return Reply(head["state"], head, parts)

    def encoders(self) -> tuple[int, int]:
        """Return how many encode workers run, and how many should."""
        return sum(worker.alive for worker in self._encoders), len(self._encoders)

    def restarts(self) -> dict[str, int]:
        """Return how often processes ended and were started again, by kind."""
        return {
            "encode": sum(worker.restarts for worker in self._encoders),
            "lane": sum(lane.failures for lane in self._lanes),
        }

    def end(self) -> None:
        """End all processes."""
        self._ending.set()
        if self._tending.is_alive():
            self._tending.join(timeout=2)
        for worker in self._encoders:
            worker.end()
        for lane in self._lanes:
            lane.end()
