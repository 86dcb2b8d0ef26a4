"""`neuronova run`: the whole platform from settings to the last process gone."""

from __future__ import annotations

import os
import pwd
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

from cdss_api import starting
from cdss_api.audit.journals import open_journal
from cdss_api.audit.recording import recorder
from cdss_api.errors import Unavailable
from neuronova.audit.files import JournalFailed
from neuronova.contract.settings import Settings
from neuronova.platform import preflight, render, viewer
from neuronova.platform.environment import platform_environment
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import REPOSITORY, Layout
from neuronova.platform.parts import Part, parts_of
from neuronova.platform.processes import end_children
from neuronova.platform.programs import Programs, find_programs
from neuronova.platform.supervisor import Supervisor, supervised, tail

_STARTS = 4  # after as many the supervisor gives up
_START_DEADLINE = 60.0
_REVIVE_AFTER = 10.0

Say = Callable[[str], None]
# Each brings the data folder to what this version expects, and does nothing where it already is.
MIGRATIONS: tuple[Callable[[Layout], None], ...] = (viewer.install,)


def run_platform(settings: Settings, say: Say) -> None:
    """Start every part, print the addresses, keep the parts running until a signal comes, end them all.

    Raises:
        PlatformError: if it cannot start, or if the supervisor dies.
    """
    layout = Layout(settings.data)
    programs = find_programs()
    preflight.check_path(REPOSITORY, "the platform's own folder")
    preflight.prepare_data_folder(layout)
    with _stop_signals() as stop, preflight.only_one(layout):
        preflight.check_ports(settings)
        preflight.check_collector(settings)
        for migrate in MIGRATIONS:
            migrate(layout)
        _prepare_api(settings, say)
        _write_configuration(settings, layout, programs)
        with supervised(layout, platform_environment(settings, layout, programs)) as supervisor:
            if _wait_for_parts(parts_of(settings), supervisor, layout, stop, say):
                say(addresses(settings))
                _watch(supervisor, layout, stop, say)
            say("Stopping.")


def _prepare_api(settings: Settings, say: Say) -> None:
    try:
        with closing(open_journal(settings, "cli")) as journal:
            service = starting.open_service(settings, record=recorder(journal))
            with closing(service.database):
                starting.prepare(service, say)
    except (Unavailable, JournalFailed) as error:
        raise PlatformError(str(error)) from None


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)
    yield stop


def _write_configuration(settings: Settings, layout: Layout, programs: Programs) -> None:
    # nginx hands its workers to `nobody` if root starts it, who may not enter the data folder.
    user = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else None
    commands = render.commands(settings, layout, programs, Path(sys.executable))
    template = render.GATEWAY_TEMPLATE.read_text()
    layout.gateway_config.write_text(render.gateway_config(template, settings, layout, user=user))
    layout.supervisor_config.write_text(render.supervisor_config(layout, commands, user=user))


def _wait_for_parts(
    parts: tuple[Part, ...], supervisor: Supervisor, layout: Layout, stop: threading.Event, say: Say
) -> bool:
    """Wait until each part answers; return False if asked to stop meanwhile."""
    began = time.monotonic()
    started: dict[str, set[int]] = defaultdict(set)
    for part in parts:
        while not part.answers():
            supervisor.check()
            for program, process in supervisor.starts().items():
                started[program].add(process)
            # On a busy machine a program that ends at once lives long enough for the supervisor to think it runs.
            given_up = supervisor.states().get(part.program) == "FATAL"
            if given_up or len(started[part.program]) > _STARTS:
                raise _did_not_start(part, layout, "ended each time it was started")
            if time.monotonic() - began > _START_DEADLINE:
                raise _did_not_start(part, layout, f"did not answer in {_START_DEADLINE:.0f} s")
            if stop.wait(0.1):
                return False
        say(f"  {part.name:<8} answers ({time.monotonic() - began:.1f} s)")
    return True


def _watch(supervisor: Supervisor, layout: Layout, stop: threading.Event, say: Say) -> None:
    """Until asked to stop: end what lost its parent, and start again what the supervisor gave up."""
    next_look = time.monotonic() + _REVIVE_AFTER
    while not stop.wait(0.2):
        supervisor.check()
        # nginx's workers outlive a killed master and hold its port.
        end_children(except_pid=supervisor.pid, grace=0)
        if time.monotonic() > next_look:
            next_look = time.monotonic() + _REVIVE_AFTER
            for program in (name for name, state in supervisor.states().items() if state == "FATAL"):
                say(f"{program} does not stay up ({layout.log_of(program)}); starting it again")
                supervisor.start(program)


def _did_not_start(part: Part, layout: Layout, why: str) -> PlatformError:
    log = layout.log_of(part.program)
    return PlatformError(f"{part.name} {why}; the end of {log}:\n{tail(layout, part.program)}")


def addresses(settings: Settings) -> str:
    """Return what a person needs to know once the platform is up."""
    host = "this machine's address" if settings.bind in ("0.0.0.0", "::") else settings.bind  # noqa: S104
    return (
        "NeuroNova is up. Ctrl-C ends it.\n"
        f"  Viewer   {settings.gateway_url}/\n"
        f"  DICOM    AE title {settings.aet}, host {host}, port {settings.dicom_port}\n"
        f"  API      {settings.gateway_url}/api/v1/\n"
        f"  Logs     {Layout(settings.data).log}"
    )
