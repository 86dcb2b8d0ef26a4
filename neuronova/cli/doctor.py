"""`neuronova doctor`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from neuronova.cli.configuration import dotenv_file, load_settings, variables
from neuronova.contract.settings import SettingsError

if TYPE_CHECKING:
    from rich.table import Table

    from neuronova.doctor.finding import Finding

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    deadline: Annotated[float, typer.Option(min=1, max=600, help="Seconds that each check may take.")] = 20,
) -> None:
    """Check this installation, and say what to do; exits with 1 where something failed."""
    from rich.console import Console

    from neuronova.doctor.finding import is_healthy

    with Console(stderr=True).status("Looking at the installation"):
        findings = _findings(deadline)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in findings], ensure_ascii=False, indent=1))
    else:
        console = Console()
        console.print(_table(findings))
        console.print(_sum(findings))
    if not is_healthy(findings):
        raise typer.Exit(1)


def _findings(deadline: float) -> list[Finding]:
    from neuronova.doctor.finding import failed

    try:
        settings = load_settings()
    except SettingsError as odd:
        return [failed("settings", str(odd), "correct it in .env or the environment; .env.example says what it takes")]
    import logging

    from neuronova.doctor.checkup import check_up
    from neuronova.doctor.weak_settings import secret_files

    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # the findings say it
    dotenv = dotenv_file()
    return check_up(settings, [*([dotenv] if dotenv else []), *secret_files(variables())], deadline=deadline)


def _table(findings: Sequence[Finding]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("Check", "Outcome", "Found", "What to do")
    for column in table.columns:
        column.overflow = "fold"  # an address that is cut off helps nobody
    for one in findings:
        # As it is: what was found may hold brackets, which are rich's own marks.
        table.add_row(
            Text(one.name), Text(one.outcome.value, style=_STYLES[one.outcome]), Text(one.found), Text(one.advice)
        )
    return table


def _sum(findings: Sequence[Finding]) -> str:
    counted = Counter(one.outcome.value for one in findings)
    return ", ".join(f"{counted[name]} {name}" for name in _STYLES if counted[name])
