"""`neuronova modality`."""

from __future__ import annotations

from typing import Annotated

import typer

from neuronova.cli.accounts import accounts, changing
from neuronova.cli.errors import in_one_line
from neuronova.contract.grants import Operation
from neuronova.platform.errors import PlatformError

modality = typer.Typer(name="modality", help="DICOM application entities, and what each may do.", no_args_is_help=True)

_Title = Annotated[str, typer.Argument(help="AE title, as the modality calls itself.")]
_ALL = ",".join(Operation)


@modality.command()
def add(
    title: _Title,
    host: Annotated[str, typer.Argument(help="IP address that it calls from, and is called at.")],
    port: Annotated[int, typer.Argument(help="Port that it is called at.")] = 104,
    allow: Annotated[list[str] | None, typer.Option(help=f"What it may do, of {_ALL}; by default store.")] = None,
    issuer: Annotated[str, typer.Option(help="Issuer of the PatientIDs that it sends without one.")] = "",
    tls: Annotated[bool, typer.Option("--tls", help="Call it by TLS, with the platform's certificate.")] = False,
    daily_mib: Annotated[
        int | None, typer.Option(help="MiB that it may store in a day; none: as many as it sends.")
    ] = None,
) -> None:
    """Let a modality in, or replace what was known of it."""
    operations = ",".join(allow or [Operation.STORE]).split(",")
    with in_one_line():
        from pydantic import TypeAdapter, ValidationError

        from cdss_api import modalities
        from cdss_api.modalities.routes import ModalityBody, Title, described
        from cdss_api.modalities.secured import MISSING, may_be_called

        try:
            TypeAdapter(Title).validate_python(title)
            given = {"host": host, "port": port, "operations": operations, "issuer": issuer}
            body = ModalityBody.model_validate(given | {"tls": tls, "daily_mib": daily_mib})
        except ValidationError as odd:
            first = odd.errors()[0]
            raise PlatformError(f"{'.'.join(map(str, first['loc'])) or 'title'}: {first['msg']}") from None
        with changing() as (service, work):
            if not may_be_called(service.settings, tls=tls):
                raise PlatformError(f"{title} {MISSING}")
            modalities.put(work, described(title, body))
        typer.echo(f"{title} at {body.host}:{body.port} may {', '.join(body.operations)}.")


@modality.command("list")
def show() -> None:
    """List the modalities."""
    with in_one_line():
        from rich.console import Console
        from rich.table import Table
        from sqlalchemy import select

        from cdss_api.accounts.models import Modality

        table = Table("AE title", "Host", "Port", "TLS", "May", "MiB a day", "Issuer")
        with accounts() as service, service.database.reading() as session:
            for one in session.scalars(select(Modality).order_by(Modality.title)):
                secured = "yes" if one.tls else ""
                may = ", ".join(one.operations)
                daily = str(one.daily_mib or "")
                table.add_row(one.title, one.host, str(one.port), secured, may, daily, one.issuer or "")
        Console().print(table)


@modality.command()
def test(title: _Title) -> None:
    """Ask a modality whether it answers (C-ECHO)."""
    with in_one_line():
        from cdss_api.accounts.changes import told
        from cdss_api.accounts.models import Modality
        from cdss_api.modalities.echo import NoAnswer, echo
        from neuronova.cli.configuration import load_settings

        with accounts() as service, service.database.reading() as session:
            known = session.get(Modality, title)
        if known is None:
            raise PlatformError(f"there is no modality {title}; `neuronova modality list` shows those there are")
        try:
            echo(load_settings(), told(known))
        except NoAnswer as why:
            raise PlatformError(f"{title} {why}") from None
        typer.echo(f"{title} answers.")


@modality.command()
def remove(title: _Title) -> None:
    """Refuse a modality from now on."""
    with in_one_line():
        from cdss_api import modalities

        with changing() as (_, work):
            if not modalities.remove(work, title):
                raise PlatformError(f"there is no modality {title}")
        typer.echo(f"{title} is refused now.")
