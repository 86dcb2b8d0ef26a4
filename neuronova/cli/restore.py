"""`neuronova restore`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.cli.recording import record_management
from neuronova.contract.audit import Outcome

DIFFERS = 2  # exit code


def restore(
    snapshot: Annotated[str, typer.Argument(help="A backup by the beginning of its identifier, or latest.")] = "latest",
    to: Annotated[Path | None, typer.Option(help="Folder to fill, which must be empty; else NEURONOVA_DATA.")] = None,
) -> None:
    """Make the data folder anew from a backup and verify every file; exits with 2 where anything differs."""
    with in_one_line():
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

        from neuronova.backup.checking import MOST_NAMED
        from neuronova.backup.restoring import restore as fill
        from neuronova.cli.backup_report import restored_table

        os.umask(0o077)
        settings = load_settings()
        target = settings.data if to is None else to.expanduser().resolve()
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("Fetching", total=None)

            def stage(name: str, total: int) -> None:
                progress.update(task, description=name, total=total or None, completed=0)

            restored = fill(settings, snapshot, target, stage, lambda size: progress.advance(task, size))
        outcome = Outcome.FAILED if restored.faults else Outcome.ALLOWED
        if restored.is_filled:
            record_management(
                replace(settings, data=target), outcome=outcome, command="restore", backup=restored.snapshot
            )
        Console().print(restored_table(restored))
        for fault in restored.faults:
            typer.echo(f"neuronova: {fault}", err=True)
        if len(restored.faults) == MOST_NAMED:
            typer.echo("neuronova: there may be more", err=True)
        if restored.faults:
            typer.echo(f"neuronova: {target} is not what was backed up; `neuronova run` will not start on it", err=True)
            raise typer.Exit(DIFFERS)
        typer.echo(f"{target} is restored, and every stored file verified.")
