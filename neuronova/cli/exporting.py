"""`neuronova export`."""

from __future__ import annotations

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
    from neuronova.archive.asking import Asking
    from neuronova.archive.studies import StoredStudy

_Studies = Annotated[list[str], typer.Argument(metavar="STUDY-UID...", help="StudyInstanceUID (0020,000D).")]
_To = Annotated[Path, typer.Option("--to", help="Zip file to write, which must not exist.")]
_Dicomdir = Annotated[bool, typer.Option("--dicomdir", help="Lay it out for a disc, with a DICOMDIR.")]
_Patient = Annotated[str | None, typer.Option(help="PatientID, where a study is there under several.")]

SCOPES = (Permission.ARCHIVE_MANAGE,)


def export(studies: _Studies, to: _To, dicomdir: _Dicomdir = False, patient: _Patient = None) -> None:
    """Write studies of the running platform to a zip file, as the archive has them; recorded in the audit trail."""
    with in_one_line():
        from rich.console import Console
        from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        from neuronova.archive.studies import find_studies
        from neuronova.media.zips import write_zip

        settings = load_settings()
        with asking_as(settings, "export") as asking:
            found = find_studies(asking, studies, patient)
            record_disclosure(settings, "neuronova export", found, to.name)
            columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
            with Progress(*columns, console=Console(stderr=True)) as progress:
                task = progress.add_task("Exporting", total=None)
                write_zip(asking, found, to, dicomdir=dicomdir, moved=lambda size: progress.advance(task, size))
        typer.echo(f"{sum(one.instances for one in found):,} objects of {len(found)} studies are in {to}.")


@contextmanager
def asking_as(settings: Settings, name: str) -> Iterator[Asking]:
    """Give a client of the running platform's Orthanc."""
    from cdss_api.accounts.service_tokens import token as service_token
    from neuronova.archive.asking import Asking

    with accounts() as service:
        yield Asking(settings.orthanc_url, partial(service_token, service, name, SCOPES))


def record_disclosure(settings: Settings, route: str, studies: Sequence[StoredStudy], detail: str) -> None:
    """Record that studies are about to leave; what cannot be recorded does not leave."""
    from neuronova.cli.recording import recorded
    from neuronova.contract.audit import Action

    for study in studies:
        recorded(settings, Action.DISCLOSE, route, study.patient_id, study.issuer, study.uid, detail)
