"""`neuronova run`: the whole platform from settings to the last process gone."""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from neuronova.contract.settings import Settings
from neuronova.platform import preflight
from neuronova.platform.environment import platform_environment
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout
from neuronova.platform.parts import Part, parts_of
from neuronova.platform.preparing import Say, prepare
from neuronova.platform.processes import end_children
from neuronova.platform.programs import find_programs
from neuronova.platform.supervisor import Supervisor, supervised, tail

_STARTS = 4  # after as many the supervisor gives up
_START_DEADLINE = 60.0
_REVIVE_AFTER = 10.0


def run_platform(settings: Settings, say: Say) -> None:
    """Start every part, print the addresses, keep the parts running until a signal comes, end them all.

    Raises:
        PlatformError: if it cannot start, or if the supervisor dies.
    """
    layout = Layout(settings.data)
    programs = find_programs()
    preflight.prepare_data_folder(layout)
    with _stop_signals() as stop, preflight.only_one(layout):
        preflight.check_ports(settings)
        prepare(settings, layout, programs, say)
        with supervised(layout, platform_environment(settings, layout, programs)) as supervisor:
            if wait_for_parts(parts_of(settings), supervisor, layout, stop, say):
                say(addresses(settings))
                _watch(supervisor, layout, stop, say)
            say("Stopping.")


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)
    yield stop


def wait_for_parts(
    parts: tuple[Part, ...],
    supervisor: Supervisor,
    layout: Layout,
    stop: threading.Event,
    say: Say,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Wait until each part answers; return False if asked to stop meanwhile.

    Raises:
        PlatformError: one ends each time, or none came up for a minute.
    """
    began = last = clock()
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
            if clock() - last > _START_DEADLINE:
                raise _did_not_start(part, layout, f"did not answer in {_START_DEADLINE:.0f} s")
            if stop.wait(0.1):
                return False
        last = clock()  # a busy machine takes minutes for all of them
        say(f"  {part.name:<8} answers ({last - began:.1f} s)")
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
