"""`neuronova keys`."""

from __future__ import annotations

import typer

from neuronova.cli.accounts import changing
from neuronova.cli.errors import in_one_line

keys = typer.Typer(name="keys", help="The keys that tokens are signed with.", no_args_is_help=True)


@keys.callback()
def _keys() -> None:
    """Have `rotate` be a command of its own, though it is the only one."""


@keys.command()
def rotate() -> None:
    """Sign new tokens with a new key; nobody is logged out."""
    with in_one_line():
        with changing() as (service, work):
            key_id = service.keyring.rotate(work)
        typer.echo(f"Tokens are signed with key {key_id} from now on.")
