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
) -> None:
    """Let a modality in, or replace what was known of it."""
    operations = ",".join(allow or [Operation.STORE]).split(",")
    with in_one_line():
        from pydantic import TypeAdapter, ValidationError

        from cdss_api import modalities
        from cdss_api.modalities.routes import ModalityBody, Title

        try:
            TypeAdapter(Title).validate_python(title)
            body = ModalityBody.model_validate({"host": host, "port": port, "operations": operations, "issuer": issuer})
        except ValidationError as odd:
            first = odd.errors()[0]
            raise PlatformError(f"{'.'.join(map(str, first['loc'])) or 'title'}: {first['msg']}") from None
        with changing() as (_, work):
            modalities.put(
                work,
                title=title,
                host=body.host,
                port=body.port,
                operations=body.operations,
                issuer=body.issuer or None,
            )
        typer.echo(f"{title} at {body.host}:{body.port} may {', '.join(body.operations)}.")


@modality.command("list")
def show() -> None:
    """List the modalities."""
    with in_one_line():
        from rich.console import Console
        from rich.table import Table
        from sqlalchemy import select

        from cdss_api.accounts.models import Modality

        table = Table("AE title", "Host", "Port", "May", "Issuer")
        with accounts() as service, service.database.reading() as session:
            for one in session.scalars(select(Modality).order_by(Modality.title)):
                table.add_row(one.title, one.host, str(one.port), ", ".join(one.operations), one.issuer or "")
        Console().print(table)


@modality.command()
def test(title: _Title) -> None:
    """Ask a modality whether it answers (C-ECHO)."""
    with in_one_line():
        from cdss_api.accounts.models import Modality
        from cdss_api.modalities.echo import NoAnswer, echo
        from neuronova.cli.configuration import load_settings

        with accounts() as service, service.database.reading() as session:
            known = session.get(Modality, title)
        if known is None:
            raise PlatformError(f"there is no modality {title}; `neuronova modality list` shows those there are")
        try:
            echo(load_settings().aet, title, known.host, known.port)
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
