"""Failures that a person can mend come out as one line, never as a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from neuronova.contract.settings import SettingsError
from neuronova.platform.errors import PlatformError


@contextmanager
def in_one_line() -> Iterator[None]:
    """Turn an error that says what to do into a line on stderr and exit code 1."""
    try:
        yield
    except (SettingsError, PlatformError) as error:
        print(f"neuronova: {error}", file=sys.stderr, flush=True)
        raise typer.Exit(1) from None
