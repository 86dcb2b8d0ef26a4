"""A file of rules as a command reads it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import typer

from neuronova.cli.accounts import accounts
from neuronova.platform.errors import PlatformError

Rules = TypeVar("Rules")


def rules_of(path: Path, read: Callable[[str], Rules]) -> Rules:
    """Read a file of rules; its problems are said line by line and end the command.

    Raises:
        PlatformError: it cannot be read, or is no text.
    """
    from neuronova.contract.ai.nodes import MOST_CHARACTERS, Odd

    try:
        with path.open(encoding="utf-8") as file:
            return read(file.read(MOST_CHARACTERS + 1))
    except Odd as odd:
        for problem in odd.problems:
            print(f"{path}:{problem.line}: {problem.message}", file=sys.stderr)
        raise typer.Exit(1) from None
    except UnicodeDecodeError as error:
        raise PlatformError(f"{path} is not UTF-8 ({error.reason})") from None
    except OSError as error:
        raise PlatformError(f"{path} cannot be read ({error.strerror})") from None


def require_storing(titles: Collection[str]) -> None:
    """Say which AE titles are of no modality that may store, and end the command where there is one."""
    from cdss_api.modalities import storing

    with accounts() as service, service.database.reading() as session:
        missing = sorted(set(titles) - storing(session))
    for title in missing:
        print(f"{title} is no modality that may store; `neuronova modality add {title} ..`", file=sys.stderr)
    if missing:
        raise typer.Exit(1)
