"""`neuronova import`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuronova.cli.accounts import accounts
from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.contract.roles import Permission
from neuronova.contract.settings import Settings

if TYPE_CHECKING:
    from neuronova.importing.content import Header
    from neuronova.importing.journal import Journal
    from neuronova.importing.limits import Limits
    from neuronova.importing.running import Moved, Tally

_Paths = Annotated[list[Path], typer.Argument(help="Folders, zip files, discs where they are mounted, single files.")]
_Jobs = Annotated[int, typer.Option(min=1, max=64, help="How many files at a time.")]
_Issuer = Annotated[str | None, typer.Option(help="Issuer of PatientID that objects without one get.")]
_Report = Annotated[Path | None, typer.Option(help="File with a line for each file: .csv or .jsonl.")]
_Again = Annotated[bool, typer.Option("--again", help="Look at every file anew, whatever was done before.")]
_Patience = Annotated[float, typer.Option(min=0, help="Seconds for which a platform that is away is waited for.")]

SCOPES = (Permission.ARCHIVE_MANAGE,)
INCOMPLETE = 2  # exit code
INTERRUPTED = 130
_LONGEST_ISSUER = 64  # characters of an LO (PS3.5 6.2)


def import_(
    paths: _Paths,
    jobs: _Jobs = 4,
    issuer: _Issuer = None,
    report: _Report = None,
    again: _Again = False,
    patience: _Patience = 600.0,
) -> None:
    """Bring folders, discs and zip files into the running platform; can be interrupted and run again.

    Exits with 0 only where every DICOM file is in the archive, with 2 where one is not.
    """
    with in_one_line():
        from rich.console import Console

        from neuronova.importing.journal import Journal, journal_path
        from neuronova.importing.limits import Limits
        from neuronova.importing.outcome import WANTING
        from neuronova.importing.places import roots_of
        from neuronova.importing.report import table_of, write_report

        settings, began = load_settings(), time.monotonic()
        _check_issuer(issuer)
        roots = roots_of(paths)
        path = journal_path(settings.data, roots, issuer)
        journal = Journal(path)
        report = report or path.with_name(f"{path.stem}-{journal.run}.csv")
        try:
            run = _run(settings, journal, roots, Limits(), jobs=jobs, issuer=issuer, again=again, patience=patience)
            write_report(report, journal.rows())
        except KeyboardInterrupt:
            typer.echo("Interrupted; the same command goes on from here.", err=True)
            raise typer.Exit(INTERRUPTED) from None
        finally:
            journal.close()
        Console().print(table_of(run, time.monotonic() - began))
        typer.echo(f"What became of each file is in {report}.")
        if any(run.outcomes[outcome] for outcome in WANTING):
            raise typer.Exit(INCOMPLETE)


def _run(
    settings: Settings,
    journal: Journal,
    roots: Sequence[Path],
    limits: Limits,
    *,
    jobs: int,
    issuer: str | None,
    again: bool,
    patience: float,
) -> Tally:
    from cdss_api.accounts.service_tokens import token as service_token
    from neuronova.importing.door import Door
    from neuronova.importing.running import Run
    from neuronova.importing.taking import Studies, Taking
    from neuronova.platform.layout import Layout

    scratch = Layout(settings.data).temporary
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    with accounts() as service, _progress(roots, limits) as moved:
        door = Door(settings.orthanc_url, partial(service_token, service, "import", SCOPES), patience=patience)
        studies = Studies(door, partial(_record, settings, issuer))
        taking = Taking(door=door, studies=studies, journal=journal, limits=limits, issuer=issuer)
        return Run(taking, jobs, scratch, moved, again=again).all_of(roots)


def _record(settings: Settings, issuer: str | None, header: Header) -> None:
    """Record who brings in a study, before its first object is sent."""
    from neuronova.cli.recording import recorded
    from neuronova.contract.audit import Action

    whose = header.issuer or issuer or settings.issuer or ""
    recorded(settings, Action.STORE, "neuronova import", header.patient_id, whose, header.study)


def _check_issuer(issuer: str | None) -> None:
    from neuronova.platform.errors import PlatformError

    if issuer is not None and not (0 < len(issuer) <= _LONGEST_ISSUER and issuer.isprintable() and "\\" not in issuer):
        raise PlatformError(f"an issuer has 1 to {_LONGEST_ISSUER} printable characters, and no backslash")


@contextmanager
def _progress(roots: Sequence[Path], limits: Limits) -> Iterator[Moved]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from neuronova.importing.places import places_below

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[files]:,} files, {task.fields[rate]:,.0f}/s"),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        looking = progress.add_task("Looking", total=None, files=0, rate=0.0)
        total = files = 0
        for files, place in enumerate((one for root in roots for one in places_below(root, limits)), start=1):
            total += place.size
            if files % 1000 == 0:
                progress.update(looking, files=files)
        progress.update(looking, files=files, total=1, completed=1)
        task = progress.add_task("Importing", total=total, files=0, rate=0.0)
        began, done = time.monotonic(), 0

        def moved(size: int, more: int) -> None:
            nonlocal total, done
            total += more
            done += more == 0
            rate = done / max(time.monotonic() - began, 1e-3)
            progress.update(task, advance=size, total=total, files=done, rate=rate)

        yield moved
