"""The process that holds the streams, as the platform starts it, and somebody who reads one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from neuronova.contract.settings import Settings, read_settings
from neuronova.platform.layout import REPOSITORY, Layout
from neuronova.platform.parts import answers_http
from neuronova.platform.programs import Programs
from neuronova.platform.render import commands
from tests.accounts.api import Clock
from tests.patience import PATIENCE
from tests.running import ambient
from tests.server import free_ports, until

PATH = "/api/v1/notifications/stream"


class RealClock(Clock):
    """The time as other processes see it."""

    def __call__(self) -> float:
        return time.time()


@dataclass(frozen=True)
class Event:
    """One event of a stream."""

    name: str
    id: int
    data: dict[str, Any]


class Reading:
    """A stream that is read; `lines` that are comments are kept apart."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.response = requests.get(url, headers=dict(headers), stream=True, timeout=(5, 30))
        self._lines = self.response.iter_lines(chunk_size=1, decode_unicode=True)

    def event(self) -> Event:
        """Wait for the next event; StopIteration where the stream ends."""
        fields: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(":")
            if line and name:
                fields[name] = value.strip()
            elif not line and "event" in fields:
                return Event(fields["event"], int(fields["id"]), json.loads(fields["data"]))
        raise StopIteration

    def ends(self) -> bool:
        """Read to the end; tell whether there was one, and not a connection that broke."""
        for _ in self._lines:
            pass
        return True

    def comment(self) -> str:
        """Wait for the next comment."""
        return str(next(line for line in self._lines if line.startswith(":")))

    def close(self) -> None:
        self.response.close()


@dataclass
class Process:
    """A started process."""

    settings: Settings
    popen: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.notifications_port}"

    @contextmanager
    def reading(self, headers: Mapping[str, str], last: int | None = None) -> Iterator[Reading]:
        """Read a stream for the length of a block; it has begun when the block does."""
        more = {} if last is None else {"Last-Event-ID": str(last)}
        stream = Reading(self.url + PATH, {**headers, **more})
        try:
            assert stream.response.status_code == 200, stream.response.text
            assert stream.event().name == "ready"
            yield stream
        finally:
            stream.close()


@contextmanager
def process(variables: Mapping[str, str]) -> Iterator[Process]:
    """Run it for the length of a block, on a free port."""
    ours = {**variables, "NEURONOVA_NOTIFICATIONS_PORT": str(free_ports(1)[0])}
    settings = read_settings(ours)
    layout = Layout(settings.data)
    layout.temporary.mkdir(parents=True, exist_ok=True)
    nothing = Programs(orthanc="", nginx="", plugins=Path())
    command = commands(settings, layout, nothing, Path(sys.executable))["notifications"]
    popen = subprocess.Popen(command, cwd=REPOSITORY, env=ambient() | ours)
    try:
        made = Process(settings, popen)
        until(lambda: answers_http(f"{made.url}/ready"), "the process of the streams")
        yield made
    finally:
        popen.terminate()
        popen.wait(PATIENCE)
