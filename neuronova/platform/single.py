"""One part by itself, in the foreground: for a service manager that watches each part (systemd, containers)."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import NoReturn

from neuronova.contract.settings import Settings
from neuronova.platform import render
from neuronova.platform.environment import platform_environment
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import REPOSITORY, Layout
from neuronova.platform.programs import find_programs


def become_part(settings: Settings, name: str) -> NoReturn:
    """Replace this process by a part's.

    Raises:
        PlatformError: there is no such part, nothing is prepared, or the platform runs here as a whole.
    """
    layout = Layout(settings.data)
    programs = find_programs()
    commands = render.commands(settings, layout, programs, Path(sys.executable))
    if name not in commands:
        raise PlatformError(f"there is no part {name}; the parts are {', '.join(commands)}")
    if not layout.gateway_config.is_file():
        raise PlatformError(f"{layout.data} is not prepared; run `neuronova prepare` first")
    _share_lock(layout)
    os.chdir(REPOSITORY)
    command = commands[name]
    os.execvpe(command[0], command, platform_environment(settings, layout, programs))  # noqa: S606 - no shell is wanted


def _share_lock(layout: Layout) -> None:
    """Hold the data folder's lock together with the other parts, beyond the change of program."""
    held = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PlatformError(f"the platform is started or prepared on {layout.data} by another process") from None
    os.set_inheritable(held, True)
