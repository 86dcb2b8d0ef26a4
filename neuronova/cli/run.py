"""`neuronova run`."""

from __future__ import annotations

import os

import typer

from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line


def run() -> None:
    """Start the whole platform in the foreground; Ctrl-C ends it."""
    with in_one_line():
        from neuronova.platform.running import run_platform

        os.umask(0o077)  # patients' data is its owner's alone
        run_platform(load_settings(), typer.echo)
