"""`neuronova prepare`, `neuronova part` and `neuronova restart-api`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line


def prepare() -> None:
    """Make what the parts need (viewer, tables, keys, configuration), once before they start one by one."""
    with in_one_line():
        from neuronova.platform.preparing import prepare_alone

        os.umask(0o077)
        prepare_alone(load_settings(), typer.echo)


def part(
    name: Annotated[str, typer.Argument(help="orthanc, api, notifications, worker, keeper, inference or gateway.")],
) -> None:
    """Run one part in the foreground, for a service manager that watches each (docs/deploying.md)."""
    with in_one_line():
        from neuronova.platform.single import become_part

        os.umask(0o077)
        become_part(load_settings(), name)


def restart_api() -> None:
    """Replace the processes of the running API one after the other; no request is lost."""
    with in_one_line():
        from neuronova.platform.rolling import replace_api

        replace_api(load_settings(), typer.echo)
