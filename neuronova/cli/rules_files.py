"""A file of rules as a command reads it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer

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
