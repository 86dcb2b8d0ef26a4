"""`neuronova transcode`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from neuronova.cli.accounts import accounts
from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.contract.roles import Permission

_Retry = Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")]

SCOPES = (Permission.ARCHIVE_MANAGE, Permission.PLATFORM_HEALTH)


def transcode(retry_failed: _Retry = False) -> None:
    """Make the HTJ2K of everything that the running platform has stored; can be interrupted and run again."""
    with in_one_line():
        from rich.console import Console

        from cdss_api.accounts.service_tokens import token as service_token
        from neuronova.archive.asking import Asking
        from neuronova.archive.report import report_table
        from neuronova.archive.transcoding import Archive, transcode_all

        settings = load_settings()
        with accounts() as service:
            token = partial(service_token, service, "transcode", SCOPES)
            outcomes = transcode_all(Archive(Asking(settings.orthanc_url, token)), retry_failed=retry_failed)
        console = Console()
        console.print(report_table(outcomes))
        if any(outcome.status == "failed" for outcome in outcomes):
            raise typer.Exit(2)
