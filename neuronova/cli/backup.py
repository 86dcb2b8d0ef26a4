"""`neuronova backup`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.cli.recording import record_management
from neuronova.platform.errors import PlatformError

if TYPE_CHECKING:
    from rich.console import Console

    from neuronova.backup.restic import Repository

backup = typer.Typer(name="backup", help="Back up the platform, which keeps running (docs/backup.md).")

DAMAGED = 2  # exit code

_Snapshot = Annotated[str, typer.Argument(help="A backup by the beginning of its identifier, or latest.")]
_Keep = Annotated[int, typer.Option(min=0, max=1000, help="Keep the last backup of so many of these.")]


@backup.callback(invoke_without_command=True)
def make(context: typer.Context) -> None:
    """Make a backup of what is there now; only what is new is stored."""
    if context.invoked_subcommand is not None:
        return
    with in_one_line():
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

        from neuronova.backup.backing_up import back_up, repository_of
        from neuronova.backup.staging import require_platform
        from neuronova.cli.backup_report import backup_table

        os.umask(0o077)
        settings = load_settings()
        repository = repository_of(settings)
        require_platform(settings)
        if not repository.exists():
            repository.make()
            typer.echo(
                "A new repository was made. If there should have been one already: is its disk mounted?", err=True
            )
            typer.echo(
                "WITHOUT NEURONOVA_BACKUP_PASSWORD NOTHING IN IT CAN EVER BE READ: keep the password elsewhere.",
                err=True,
            )
        record_management(settings, command="backup")
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("Copying databases", total=None)

            def staged(number: int) -> None:
                progress.update(task, description=f"Storing files, round {number}", total=None, completed=0)

            def done(part: float, size: int) -> None:
                progress.update(task, total=size / part if part else None, completed=size)

            made = back_up(settings, done=done, staged=staged)
        Console().print(backup_table(made))
        if made.damaged:
            typer.echo(
                f"neuronova: {made.damaged} stored files that Orthanc's index names are missing or damaged on this "
                f"machine ({', '.join(made.damaged_names)}); the backup has all others",
                err=True,
            )
            raise typer.Exit(DAMAGED)


@backup.command("list")
def list_() -> None:
    """Show the backups in the repository."""
    with _repository() as (console, repository):
        from neuronova.backup.verifying import manifest_of
        from neuronova.cli.backup_report import list_table

        console.print(list_table((one, manifest_of(repository, one.id)) for one in repository.snapshots()))


@backup.command()
def verify(
    snapshot: _Snapshot = "latest",
    read_data: Annotated[bool, typer.Option("--read-data", help="Read every byte of the repository.")] = False,
) -> None:
    """Verify the repository and a backup in it; exits with 2 where anything is wrong."""
    with _repository() as (console, repository):
        from rich.console import Console

        from neuronova.backup.verifying import faults_of, manifest_of

        with Console(stderr=True).status("Verifying the repository"):
            found = repository.find(snapshot)
            damage = repository.damage(read_data=read_data)
            faults = [damage] if damage else []
            if not faults:
                faults += faults_of(repository, found.id, manifest := manifest_of(repository, found.id))
        for fault in faults:
            typer.echo(f"neuronova: {fault}", err=True)
        if faults:
            raise typer.Exit(DAMAGED)
        read = "and every byte of the repository" if read_data else "(its bytes are read with --read-data)"
        counts = manifest.counts
        console.print(
            f"Backup {found.id[:8]} is whole: databases, {counts.files:,} files of {counts.studies:,} studies {read}."
        )


@backup.command()
def prune(keep_daily: _Keep = 7, keep_weekly: _Keep = 5, keep_monthly: _Keep = 12) -> None:
    """Remove old backups, and the data that no other needs."""
    with _repository() as (console, repository):
        from rich.console import Console

        keep = {"daily": keep_daily, "weekly": keep_weekly, "monthly": keep_monthly}
        if not any(keep.values()):
            raise PlatformError("this would remove every backup; keep one at least")
        before = repository.snapshots()
        record_management(load_settings(), command="backup prune", keep=str(keep))
        with Console(stderr=True).status("Removing old backups"):
            repository.forget({name: many for name, many in keep.items() if many})
        left = repository.snapshots()
        console.print(f"{len(before) - len(left)} of {len(before)} backups were removed, {len(left)} are left.")


@contextmanager
def _repository() -> Iterator[tuple[Console, Repository]]:
    with in_one_line():
        from rich.console import Console

        from neuronova.backup.backing_up import repository_of

        os.umask(0o077)
        yield Console(), repository_of(load_settings())
