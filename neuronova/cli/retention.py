"""`neuronova retention`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuronova.cli.accounts import accounts
from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.cli.rules_files import require_storing, rules_of
from neuronova.platform.errors import PlatformError

if TYPE_CHECKING:
    from neuronova.contract.retention.rules import RetentionRule

retention = typer.Typer(name="retention", help="How long which study is kept, and what leaves.", no_args_is_help=True)
_File = Annotated[Path | None, typer.Argument(help="File of rules; by default that of NEURONOVA_RETENTION_RULES.")]


@retention.command()
def check(file: _File = None) -> None:
    """Check a file of rules: every error with its line, and whether those who are to have copies are known."""
    with in_one_line():
        path = _path(file)
        found = _read(path)
        typer.echo(f"{path}: no errors; rules: {', '.join(rule.name for rule in found)}")
        require_storing({title for rule in found for title in rule.copied_to})


@retention.command()
def plan(file: _File = None) -> None:
    """Say what would leave within 7 days by these rules, when, why and how many bytes; nothing leaves by it."""
    with in_one_line():
        from rich.console import Console
        from rich.table import Table

        from cdss_api.orthanc import Unavailable
        from cdss_api.retention.running import retention as retaining

        rules = _read(_path(file))
        table = Table("Study", "Patient", "Rule", "Days are over", "Images", "Bytes", "What happens", show_lines=True)
        leaving = size = 0
        with accounts() as service:
            try:
                found = retaining(service, rules).found()
            except Unavailable as error:
                raise PlatformError(f"Orthanc does not answer ({error}); start the platform first") from None
        for one in sorted(found, key=lambda one: one.due.at):
            rule, key = one.due.rule, one.candidate.key
            copies = f" once {', '.join(rule.copied_to)} confirms it" if rule.copied_to else ""
            what = f"stays: {one.kept}" if one.kept else f"leaves{copies}, 7 days after it was listed"
            over = datetime.fromtimestamp(one.due.at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
            patient = " / ".join(filter(None, (key.patient_id, key.issuer)))
            counts = (str(one.described.images), str(one.described.bytes))
            table.add_row(key.study, patient, rule.name, over, *counts, what)
            leaving += one.kept is None
            size += 0 if one.kept else one.described.bytes
        Console().print(table)
        typer.echo(f"{leaving} studies with {size} bytes would leave; {len(found) - leaving} stay.")


def _path(file: Path | None) -> Path:
    path = file or load_settings().retention_rules
    if path is None:
        raise PlatformError("nothing ever leaves: NEURONOVA_RETENTION_RULES names no file, and neither do you")
    return path


def _read(path: Path) -> tuple[RetentionRule, ...]:
    from neuronova.contract.retention.rules_file import read_retention

    return rules_of(path, read_retention)
