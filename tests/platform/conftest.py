"""A real platform: `neuronova run` on free ports with a data folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from neuronova.contract.settings import Settings, read_settings
from neuronova.platform.parts import answers_tcp

NEURONOVA = Path(sys.executable).with_name("neuronova")


def wait_until(true: Callable[[], object], *, seconds: float = 30.0, what: str = "it") -> None:
    """Poll `true` until it is; fail the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Return ports below the range from which the kernel gives ports to connections."""
    with ExitStack() as stack:
        ports: list[int] = []
        candidates = iter(range(10_000 + os.getpid() * 37 % 20_000, 32_000))
        while len(ports) < count:
            port = next(candidates)
            listener = stack.enter_context(socket.socket())
            try:
                listener.bind(("0.0.0.0", port))
            except OSError:
                continue
            ports.append(port)
    return ports


def environment(data: Path, **changes: str) -> dict[str, str]:
    """Return what `neuronova` is started with: free ports, nothing of the caller's own settings."""
    names = ("HTTP_PORT", "ORTHANC_PORT", "API_PORT", "DICOM_PORT")
    ports = zip(names, free_ports(4), strict=True)
    ambient = {name: value for name, value in os.environ.items() if not name.startswith("NEURONOVA_")}
    ours = {"NEURONOVA_DATA": str(data), "NEURONOVA_ENCODE_WORKERS": "1"}
    return ambient | ours | {f"NEURONOVA_{name}": str(port) for name, port in ports} | changes


@dataclass
class Platform:
    """A started platform."""

    settings: Settings
    environment: dict[str, str]
    process: subprocess.Popen[str]
    output: Path

    @property
    def url(self) -> str:
        return self.settings.gateway_url

    def get(self, path: str, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(self.url + path, headers=named, timeout=10)

    def healthy(self) -> bool:
        try:
            return self.get("/health/ready").status_code == 200
        except requests.RequestException:
            return False

    def pids(self) -> dict[int, str]:
        """Return the processes that name this data folder in their environment or command, and their children.

        nginx writes its title over its environment, and its workers' titles name no folder.
        """
        folder = str(self.settings.data).encode()
        commands, parents, ours = {}, {}, set()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
                marks = command + (process / "environ").read_bytes()
                parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if command and int(process.name) != os.getpid():  # a zombie has none
                commands[int(process.name)] = command.replace(b"\0", b" ").decode()
                parents[int(process.name)] = int(parent)
                if folder + b"\0" in marks or folder + b"/" in marks:
                    ours.add(int(process.name))
        return {pid: command for pid, command in commands.items() if pid in ours or parents[pid] in ours}

    def count(self, title: str) -> int:
        return sum(title in command for command in self.pids().values())

    def left(self) -> list[str]:
        """Return what is left of the platform: processes, and ports that somebody listens on."""
        settings = self.settings
        ports = (settings.http_port, settings.orthanc_port, settings.api_port, settings.dicom_port)
        return [*self.pids().values(), *(f"port {port}" for port in ports if answers_tcp("127.0.0.1", port))]

    def pid_of(self, program: str) -> int | None:
        """Return the process id of a supervised program's first process."""
        supervisor = (self.settings.data / "run" / "supervisor.pid").read_text().strip()
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        return next((pid for pid, command in self.pids().items() if str(pid) in children and program in command), None)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


def start(data: Path, **changes: str) -> Platform:
    """Start a platform; `wait_until(platform.healthy)` tells when it is up."""
    variables = environment(data, **changes)
    output = data.with_suffix(".output")
    with output.open("w") as file:
        process = subprocess.Popen(
            [NEURONOVA, "run"], env=variables, stdout=file, stderr=subprocess.STDOUT, text=True, cwd=data.parent
        )
    return Platform(read_settings(variables), variables, process, output)


@pytest.fixture
def start_platform(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    """Start platforms that end with the test."""
    started: list[Platform] = []

    def one(name: str = "data", **changes: str) -> Platform:
        platform = start(tmp_path / name, **changes)
        started.append(platform)
        wait_until(lambda: platform.healthy() or platform.process.poll() is not None, what="the start")
        assert platform.process.poll() is None, platform.output.read_text()
        return platform

    yield one
    for platform in started:
        if platform.process.poll() is None:
            platform.stop()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for the tests that only ask it something."""
    running = start(tmp_path_factory.mktemp("platform") / "data")
    wait_until(lambda: running.healthy() or running.process.poll() is not None, what="the start")
    assert running.process.poll() is None, running.output.read_text()
    yield running
    running.stop()
