"""The supervisor process: started, asked, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPException
from typing import Any
from xmlrpc.client import Error as RpcError
from xmlrpc.client import ServerProxy

from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout
from neuronova.platform.processes import adopt_orphans, die_with_parent, end_children
from neuronova.platform.render import GROUP

# Longer than a program's stopwaitsecs: the supervisor kills what does not end by itself.
_GRACE = 15.0


@contextmanager
def supervised(layout: Layout, environment: Mapping[str, str]) -> Iterator[Supervisor]:
    """Run the supervisor; when the block ends, so does every process that came of it."""
    adopt_orphans()
    with (layout.log / "supervisor.err").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-s", "-c", str(layout.supervisor_config)],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            # Ctrl-C reaches this process alone, which then ends the others in their order.
            process_group=0,
            preexec_fn=partial(die_with_parent, signal.SIGTERM, os.getpid()),  # noqa: PLW1509 - no threads here
        )
    try:
        yield Supervisor(layout, process)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    end_children(grace=5.0)


class Supervisor:
    """The supervisor's process and what it answers over its socket."""

    def __init__(self, layout: Layout, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self._process = process
        self._log = layout.log / "supervisor.log"
        self._socket = layout.socket

    def _ask(self, method: str, *arguments: object) -> Any:
        """Call `method`; return None while there is no answer."""
        from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

        # A new one each time: the transport never recovers from a connection that failed.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            return getattr(ServerProxy("http://supervisor", transport=transport).supervisor, method)(*arguments)
        except (OSError, HTTPException, RpcError):
            return None
        finally:
            transport.close()

    def check(self) -> None:
        """Raise a `PlatformError` if the supervisor itself has ended."""
        code = self._process.poll()
        if code is not None:
            raise PlatformError(f"the supervisor ended ({code}); {self._log} may say why; start the platform again")

    def states(self) -> dict[str, str]:
        """Return each program's state (`RUNNING`, `FATAL`, ..); nothing while there is no answer."""
        found = self._ask("getAllProcessInfo") or []
        return {program["name"]: program["statename"] for program in found}

    def starts(self) -> dict[str, int]:
        """Return the process that each program runs in, another one after each start; nothing while there is none."""
        found = self._ask("getAllProcessInfo") or []
        return {program["name"]: program["pid"] for program in found if program["pid"]}

    def start(self, program: str) -> None:
        """Start a program that the supervisor gave up."""
        self._ask("startProcess", f"{GROUP}:{program}", False)


def tail(layout: Layout, program: str, lines: int = 15) -> str:
    """Return the last lines of a program's log."""
    try:
        text = layout.log_of(program).read_text(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:]) or "(an empty log)"
