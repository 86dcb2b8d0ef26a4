"""`neuronova clients`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from neuronova.cli.accounts import accounts, changing
from neuronova.cli.errors import in_one_line
from neuronova.platform.errors import PlatformError

clients = typer.Typer(
    name="clients", help="Programs that use FHIR in their own name (SMART Backend Services).", no_args_is_help=True
)

_Name = Annotated[str, typer.Argument(help="Name or identifier of the client.")]


@clients.command()
def add(
    name: Annotated[str, typer.Argument(help="What the client is called.")],
    scope: Annotated[list[str], typer.Option(help="What it may do, such as system/Patient.rs; several times.")],
    jwks_url: Annotated[str | None, typer.Option(help="https address of its public keys (JWK Set).")] = None,
    jwks: Annotated[Path | None, typer.Option(help="File with its public keys, in place of an address.")] = None,
) -> None:
    """Register a client and print its identifier."""
    with in_one_line():
        from pydantic import ValidationError

        from cdss_api.clients import registry
        from cdss_api.clients.shapes import ClientBody

        given = None if jwks is None else _read(jwks)
        try:
            body = ClientBody.model_validate(
                {"name": name, "scopes": " ".join(scope), "jwks_url": jwks_url, "jwks": given}
            )
        except ValidationError as odd:
            first = odd.errors()[0]
            raise PlatformError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        with changing() as (_, work):
            client = registry.add(work, name=body.name, scopes=body.scopes, jwks_url=body.jwks_url, jwks=body.jwks)
            client_id, scopes = client.client_id, client.scopes
        typer.echo(f"{name} is client {client_id} and may ask for {scopes}.")


@clients.command("list")
def show() -> None:
    """List the clients."""
    with in_one_line():
        from rich.console import Console
        from rich.table import Table

        from cdss_api.clients import registry

        table = Table("Client", "Name", "Scopes", "Keys", "State")
        with accounts() as service, service.database.reading() as session:
            for one in registry.every(session):
                state = "enabled" if one.enabled else "disabled"
                table.add_row(one.client_id, one.name, one.scopes, one.jwks_url or "given", state)
        Console().print(table)


@clients.command()
def disable(name: _Name) -> None:
    """Give a client no more tokens, and end those that it has."""
    _switch(name, enabled=False)


@clients.command()
def enable(name: _Name) -> None:
    """Give a client tokens again."""
    _switch(name, enabled=True)


def _switch(name: str, *, enabled: bool) -> None:
    with in_one_line():
        from cdss_api.clients import registry

        with changing() as (_, work):
            client = registry.find(work.session, name)
            if client is None:
                raise PlatformError(f"there is no client {name}; `neuronova clients list` shows them")
            registry.change(work, client, enabled=enabled)
        typer.echo(f"{name} is {'enabled' if enabled else 'disabled'}.")


def _read(file: Path) -> object:
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise PlatformError(f"{file} is no file of JSON ({type(error).__name__})") from None
