"""`neuronova transcode`."""

from __future__ import annotations

from typing import Annotated

import typer

from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line

_Retry = Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")]


def transcode(retry_failed: _Retry = False) -> None:
    """Make the HTJ2K of everything that the running platform has stored; can be interrupted and run again."""
    with in_one_line():
        from rich.console import Console

        from neuronova.archive.report import report_table
        from neuronova.archive.transcoding import Archive, transcode_all

        settings = load_settings()
        outcomes = transcode_all(Archive(settings.orthanc_url), retry_failed=retry_failed)
        console = Console()
        console.print(report_table(outcomes))
        if any(outcome.status == "failed" for outcome in outcomes):
            raise typer.Exit(2)
