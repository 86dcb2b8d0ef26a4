"""A real platform: `neuronova run` on free ports with a data folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from neuronova.contract.settings import Settings, read_settings
from neuronova.platform.parts import answers_tcp
from tests import debian13
from tests.patience import PATIENCE
from tests.server import free_ports, until
from tests.signals import kill

ADMIN_PASSWORD = "the first of passwords"
FRESH = 300.0  # seconds
NEURONOVA = Path(sys.executable).with_name("neuronova")


def ambient() -> dict[str, str]:
    """Return this process's environment without settings of a platform."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NEURONOVA_")}


def environment(data: Path, **changes: str) -> dict[str, str]:
    """Return what `neuronova` is started with: free ports, nothing of the caller's own settings."""
    names = ("HTTP_PORT", "ORTHANC_PORT", "API_PORT", "DICOM_PORT", "INFERENCE_PORT", "NOTIFICATIONS_PORT", "MPPS_PORT")
    ports = zip(names, free_ports(7), strict=True)
    ours = {"NEURONOVA_DATA": str(data), "NEURONOVA_ENCODE_WORKERS": "1", "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD}
    if debian13.is_chosen():
        ours["PATH"] = os.pathsep.join([str(debian13.stand_in(data.with_suffix(".programs"))), os.environ["PATH"]])
    return ambient() | ours | {f"NEURONOVA_{name}": str(port) for name, port in ports} | changes


@dataclass
class Platform:
    """A started platform."""

    settings: Settings
    environment: dict[str, str]
    process: subprocess.Popen[str]
    output: Path
    token: str | None = None
    made: float = 0.0  # when the token was, by the monotonic clock

    @property
    def url(self) -> str:
        return self.settings.gateway_url

    def login(self, username: str = "admin", password: str = ADMIN_PASSWORD) -> dict[str, Any]:
        """Return the tokens of a new login."""
        asked = {"username": username, "password": password}
        answer = requests.post(f"{self.url}/api/v1/auth/login", json=asked, timeout=PATIENCE)
        answer.raise_for_status()
        tokens: dict[str, Any] = answer.json()
        return tokens

    def bearer(self) -> str:
        """Return a token of the admin's, anew after five of its ten minutes, if somebody answers."""
        if self.token is None or time.monotonic() - self.made > FRESH:
            with suppress(*([] if self.token is None else [requests.RequestException])):
                self.token = self.login()["access_token"]
                self.made = time.monotonic()
        assert self.token is not None
        return self.token

    def get(self, path: str, **headers: str) -> requests.Response:
        """Ask as the admin, unless the headers say otherwise."""
        asks = self.token is not None or path.startswith(("/dicom-web", "/orthanc"))
        known = {"Authorization": f"Bearer {self.bearer()}"} if asks else {}
        named = known | {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(self.url + path, headers=named, timeout=PATIENCE)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask the API as the admin; return its answer."""
        headers = {"Authorization": f"Bearer {self.login()['access_token']}"}
        answer = requests.post(self.url + path, json=body, headers=headers, timeout=PATIENCE)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def allow(self, title: str, *operations: str) -> None:
        """Let a modality on this machine store, or do what is said."""
        headers = {"Authorization": f"Bearer {self.login()['access_token']}"}
        url = f"{self.url}/api/v1/modalities/{title}"
        body = {"host": "127.0.0.1"} | ({"operations": list(operations)} if operations else {})
        requests.put(url, json=body, headers=headers, timeout=PATIENCE).raise_for_status()

    def add_user(self, username: str, role: str) -> str:
        """Add an account whose password is the admin's; return its identifier."""
        user = {"username": username, "role": role, "password": ADMIN_PASSWORD, "display_name": username.title()}
        return str(self.post("/api/v1/users", user)["id"])

    def until_up(self) -> None:
        until(lambda: self.healthy() or self.process.poll() is not None, f"the platform is up; {self.output}")
        assert self.process.poll() is None, self.output.read_text()

    def healthy(self) -> bool:
        try:
            return requests.get(f"{self.url}/health/ready", timeout=PATIENCE).status_code == 200
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
        ports = (
            settings.http_port,
            settings.orthanc_port,
            settings.api_port,
            settings.dicom_port,
            settings.inference_port,
            settings.notifications_port,
            settings.mpps_port,
        )
        return [*self.pids().values(), *(f"port {port}" for port in ports if answers_tcp("127.0.0.1", port))]

    def pid_of(self, program: str) -> int | None:
        """Return the process id of a supervised program's first process."""
        supervisor = (self.settings.data / "run" / "supervisor.pid").read_text().strip()
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        return next((pid for pid, command in self.pids().items() if str(pid) in children and program in command), None)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        """Kill every process at once: an orderly end takes five seconds, and is tested where it is what is asked."""
        while found := self.pids():
            kill(found)
            self.process.poll()  # or it stays a zombie
            time.sleep(0.01)
        self.process.wait(PATIENCE)

    def command(self, *words: str) -> str:
        """Run `neuronova` on this platform; return what it prints."""
        done = subprocess.run(
            [NEURONOVA, *words],
            env=self.environment | {"COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def demo(self, *options: str) -> str:
        """Send the sample studies; return what the command says."""
        return self.command("demo", *options)

    def start_again(self) -> None:
        """Start it on the same data, after all of it has ended."""
        self.process = _started(self.environment, self.output)


def start(data: Path, **changes: str) -> Platform:
    """Start a platform; `until_up` waits for it."""
    variables = environment(data, **changes)
    output = data.with_suffix(".output")
    output.unlink(missing_ok=True)
    return Platform(read_settings(variables), variables, _started(variables, output), output)


def _started(variables: dict[str, str], output: Path) -> subprocess.Popen[str]:
    with output.open("a") as file:
        return subprocess.Popen(
            [NEURONOVA, "run"], env=variables, stdout=file, stderr=subprocess.STDOUT, text=True, cwd=output.parent
        )


@contextmanager
def running_platform(data: Path, **changes: str) -> Iterator[Platform]:
    """Run a platform for the length of a block."""
    platform = start(data, **changes)
    try:
        platform.until_up()
        yield platform
    finally:
        platform.end()
