"""`neuronova ai`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuronova.cli.accounts import accounts
from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.cli.rules_files import rules_of
from neuronova.contract.roles import Permission
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import REPOSITORY

if TYPE_CHECKING:
    from neuronova.archive.dry_run import Said
    from neuronova.contract.ai.rules import Rule
    from neuronova.contract.settings import Settings

ai = typer.Typer(name="ai", help="Models on stored studies.", no_args_is_help=True)
rules = typer.Typer(name="rules", help="Which model runs on which series.", no_args_is_help=True)
ai.add_typer(rules)

SCOPES = (Permission.ARCHIVE_MANAGE, Permission.IMAGES_READ)

_File = Annotated[Path | None, typer.Argument(help="File of rules; by default the platform's.")]


@rules.command()
def check(file: _File = None) -> None:
    """Check a file of rules: every error with its line."""
    with in_one_line():
        path = file or _path(load_settings())
        found = _read(path)
        typer.echo(f"{path}: no errors; rules: {', '.join(rule.name for rule in found)}")


@rules.command()
def test(
    file: _File = None,
    study: Annotated[str | None, typer.Option(help="Only this study: its StudyInstanceUID.")] = None,
    at: Annotated[
        str | None, typer.Option(help="As if it were this time of day, such as 03:30; by default now.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each series.")] = False,
) -> None:
    """Say for each stored series which rule would fire, or why not; nothing is run."""
    with in_one_line():
        from rich.console import Console
        from rich.progress import track

        from cdss_api.accounts.service_tokens import token as service_token
        from neuronova.archive import dry_run
        from neuronova.archive.asking import Asking
        from neuronova.archive.series import stored_series

        settings = load_settings()
        found, clock = _read(file or _path(settings)), _time(at)
        with accounts() as service:
            asking = Asking(settings.orthanc_url, partial(service_token, service, "ai-rules", SCOPES))
            stored = stored_series(asking, study)
            if study is not None and not stored:
                raise PlatformError(f"no study {study} is stored")
            shown = Console(stderr=True)
            looked = track(stored, "Looking through the archive", console=shown, transient=True)
            said = dry_run.dry_run(asking, looked, found, clock)
            unread = _print_json(said) if as_json else _print_table(said)
        if unread:
            raise typer.Exit(2)


def _print_json(said: Iterable[Said]) -> int:
    from neuronova.archive import dry_run

    unread = 0
    for one in said:
        unread += one.problem is not None
        typer.echo(json.dumps(dry_run.as_json(one), ensure_ascii=False))
    return unread


def _print_table(said: Iterable[Said]) -> int:
    from rich.console import Console

    from neuronova.archive import dry_run

    rows = list(said)
    Console().print(dry_run.as_table(rows))
    return sum(one.problem is not None for one in rows)


def read_rules_of(settings: Settings) -> tuple[Rule, ...]:
    """Read the platform's rules; what is wrong with them is said line by line, and ends the command."""
    return _read(_path(settings))


def _path(settings: Settings) -> Path:
    return settings.ai_rules or REPOSITORY / "ai_rules.yaml"


def _read(path: Path) -> tuple[Rule, ...]:
    from neuronova.contract.ai.rules_file import read_rules

    return rules_of(path, read_rules)


def _time(text: str | None) -> time:
    if text is None:
        return datetime.now().astimezone().time()
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise PlatformError(f"{text!r} is no time of day such as 03:30") from None
