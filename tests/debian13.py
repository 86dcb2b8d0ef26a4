"""Orthanc of Debian 13 in place of this machine's, chosen by one variable."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from neuronova.platform.layout import REPOSITORY

VARIABLE = "ORTHANC_UNDER_TEST"
ROOT = REPOSITORY / ".cache" / "debian13"
PACKAGES = "/opt/venv/lib/python3.13/site-packages"
# Mounts in a namespace of its own, and then becomes Orthanc: the process that is started is the one that runs.
ENTER = """
set -eu
root=$1 repository=$2
shift 2
mkdir -p "$root$repository"
mount --bind "$repository" "$root$repository"
mount --rbind /tmp "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""


def is_chosen() -> bool:
    """Tell whether the tests are to use it."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen not in ("", "debian13"):
        raise ValueError(f"{VARIABLE}={chosen} is not debian13")
    return chosen == "debian13"


@cache
def _make() -> None:
    subprocess.run([REPOSITORY / "tests" / "debian13.sh"], check=True)


def stand_in(folder: Path) -> Path:
    """Write a program `Orthanc` that runs Debian 13's; return its folder, for the front of a PATH."""
    command, environment = inside(["/usr/sbin/Orthanc"], {})
    words = " ".join(shlex.quote(word) for word in command)
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "Orthanc"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(environment["PYTHONPATH"])} exec {words} "$@"\n')
    program.chmod(0o755)
    return folder


def inside(command: Sequence[str], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return what runs `command` in the Debian 13 root, and the environment it takes there."""
    _make()
    enter = ["unshare", "--mount", "sh", "-c", ENTER, "sh", str(ROOT), str(REPOSITORY)]
    return [*enter, *command], {**environment, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), PACKAGES])}
