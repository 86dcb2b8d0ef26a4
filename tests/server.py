"""A real Orthanc with the plugins, on free ports and in a folder of its own."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context

from neuronova.contract.grants import Change
from neuronova.contract.settings import Settings, read_settings
from neuronova.platform.environment import platform_environment
from neuronova.platform.layout import REPOSITORY, Layout, make_folders
from neuronova.platform.programs import find_programs
from tests import debian13
from tests.access import http, seed
from tests.patience import PATIENCE

DEADLINE = PATIENCE
ENCODED = 2 * PATIENCE  # encoders leave the processor to others
STOCK_ROOT = "/_stock-dicom-web"


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on, below the range from which the kernel gives ports to connections.

    Each of pytest-xdist's workers has a share of its own: a port is free until its server has started, and another
    worker could find it so meanwhile.
    """
    share = 22_000 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    first = 10_000 + share * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    with ExitStack() as stack:
        ports: list[int] = []
        while len(ports) < count:
            port = random.randrange(first, first + share)
            listener = stack.enter_context(socket.socket())
            with suppress(OSError):
                listener.bind(("0.0.0.0", port))
                ports.append(port)
    return ports


def until(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """Wait until `condition` gives something true, and return it; never less than DEADLINE.

    Asking takes at most a third of the time, or it would keep from the processor what it waits for.
    """
    deadline = max(deadline, DEADLINE)
    end = time.monotonic() + deadline
    while (now := time.monotonic()) < end:
        value = condition()
        if value:
            return value
        time.sleep(min(max(0.02, 2 * (time.monotonic() - now)), 1.0))
    raise AssertionError(f"not within {deadline:.0f} s: {what}")


def settings_for(data: Path, **more: str) -> Settings:
    """Return settings on free ports."""
    names = ("HTTP_PORT", "ORTHANC_PORT", "API_PORT", "DICOM_PORT", "INFERENCE_PORT", "NOTIFICATIONS_PORT", "MPPS_PORT")
    ports = {f"NEURONOVA_{name}": str(port) for name, port in zip(names, free_ports(7), strict=True)}
    holding = {"NEURONOVA_GRANTS_HOLD_MINUTES": "1440"}  # no API runs beside it
    return read_settings({"NEURONOVA_DATA": str(data), **holding, **ports, **more})


@dataclass
class Server:
    """One Orthanc; started, killed and started again on the same data."""

    settings: Settings
    configuration: Path = REPOSITORY / "orthanc.json"
    variables: Mapping[str, str] = field(default_factory=dict)
    known: list[Change] | None = None  # of accounts, by default one a role
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.settings.orthanc_url

    @property
    def dicomweb(self) -> str:
        return f"{self.url}/dicom-web"

    @property
    def stock(self) -> str:
        return self.url + STOCK_ROOT

    @property
    def log(self) -> Path:
        return self.settings.data / "log" / "orthanc.log"

    def start(self) -> None:
        layout = Layout(self.settings.data)
        make_folders(layout)
        if not (self.settings.data / "journal" / "access.db").exists():
            seed(self.settings.data, self.known)
        programs = find_programs()
        environment = platform_environment(self.settings, layout, programs) | dict(self.variables)
        command = [programs.orthanc, str(self.configuration)]
        if debian13.is_chosen():
            command, environment = debian13.inside(command, environment)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        until(self._answers, f"Orthanc answers; {self.log}")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        try:
            return requests.get(f"{self.url}/system", timeout=PATIENCE).status_code in (200, 403)
        except requests.ConnectionError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)

    def get(self, path: str, **more: Any) -> Any:
        answer = http.get(self.url + path, **more)
        answer.raise_for_status()
        return answer.json()

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.get("/neuronova/health")
        return state

    def outcomes(self) -> dict[tuple[str, str], int]:
        return {(row["status"], row["reason"]): row["count"] for row in self.state()["outcomes"]}

    def until_settled(self, count: int, deadline: float = ENCODED) -> None:
        """Wait until `count` instances have an outcome and nothing waits."""
        until(
            lambda: (state := self.state())["backlog"] == 0 and sum(row["count"] for row in state["outcomes"]) == count,
            f"{count} instances settled, now {self.state()}",
            deadline,
        )

    def until_idle(self) -> None:
        """Wait until nothing waits to be encoded."""
        until(lambda: self.state()["backlog"] == 0, "nothing waits to be encoded", ENCODED)

    def upload(self, content: bytes) -> str:
        """Store a file by REST; return Orthanc's identifier."""
        answer = http.post(f"{self.url}/instances", data=content)
        answer.raise_for_status()
        return str(answer.json()["ID"])

    def send(self, *datasets: Dataset) -> None:
        """Send by C-STORE over one association, as a modality does.

        pynetdicom 3.0 now and then reads an answer in its other thread and drops it ("unexpected C-STORE service
        message"): what is left is then sent over another association, before a series that pauses counts as whole.
        """
        entity = AE(ae_title="MODALITY")
        entity.dimse_timeout = 5
        classes = {(one.SOPClassUID, one.file_meta.TransferSyntaxUID) for one in datasets}
        contexts = [build_context(sop_class, syntax) for sop_class, syntax in sorted(classes)]
        left = list(datasets)
        while left:
            association = self.associate(entity, contexts)
            try:
                while left and "Status" in (answer := association.send_c_store(left[0])):
                    assert answer.Status == 0x0000
                    left.pop(0)
            finally:
                association.release()

    def associate(self, entity: AE, contexts: list[PresentationContext]) -> Association:
        """Open an association: an Orthanc that has just started answers HTTP before it knows its modalities."""

        def opened() -> Association | None:
            port, title = self.settings.dicom_port, self.settings.aet
            association = entity.associate("127.0.0.1", port, contexts=contexts, ae_title=title)
            return association if association.is_established else None

        association: Association = until(opened, "an association")
        return association


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server for the length of a block."""
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGKILL)  # an orderly end takes three seconds
