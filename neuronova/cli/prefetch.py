"""`neuronova prefetch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuronova.cli.accounts import accounts, changing
from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.cli.rules_files import require_storing, rules_of
from neuronova.platform.errors import PlatformError

prefetch = typer.Typer(
    name="prefetch", help="Which earlier studies are fetched from other archives.", no_args_is_help=True
)
_File = Annotated[Path | None, typer.Argument(help="File of rules; by default that of NEURONOVA_PREFETCH_RULES.")]


@prefetch.command()
def check(file: _File = None) -> None:
    """Check a file of rules: every error with its line, and whether its archives are known and may store."""
    with in_one_line():
        from neuronova.contract.prefetch.rules_file import read_prefetch

        path = file or load_settings().prefetch_rules
        if path is None:
            raise PlatformError("nothing is fetched: NEURONOVA_PREFETCH_RULES names no file, and neither do you")
        found = rules_of(path, read_prefetch)
        typer.echo(f"{path}: no errors; rules: {', '.join(rule.name for rule in found)}")
        require_storing({rule.archive for rule in found})


@prefetch.command()
def queue(
    count: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=10_000)] = 100,
) -> None:
    """List orders with their studies: what came, what did not and why; `neuronova outbox` has the messages."""
    with in_one_line():
        from rich.console import Console
        from rich.table import Table

        from cdss_api.prefetch.listing import listed, priors_of

        table = Table("Number", "Archive", "Rule", "Order", "State", "Message", "What was said", "Studies")
        with accounts() as service, service.database.reading() as session:
            rows = listed(session, state=None, before=None, count=count)
            priors = priors_of(session, rows)
            for one in rows:
                studies = [f"{each.study} {each.state} {each.detail or ''}".strip() for each in priors[one.number]]
                named = (str(one.number), one.archive, one.rule, one.order_id, one.state)
                table.add_row(*named, str(one.message or ""), one.detail or "", "\n".join(studies))
        Console().print(table)


@prefetch.command()
def order(id_: Annotated[str, typer.Argument(metavar="ID", help="Id of the ServiceRequest.")]) -> None:
    """Fetch an order's earlier studies by hand: also of one that was there before the rules, or that has them."""
    with in_one_line():
        from cdss_api.prefetch.requesting import settle

        with changing() as (service, work):
            requested = settle(service.prefetch, work, {id_}, again=True)
            archives = sorted({row.archive for row in requested})
        if not archives:
            raise PlatformError(f"no rule means an order {id_} that is on the worklist")
        typer.echo(f"{', '.join(archives)} will be asked; `neuronova prefetch queue` shows what comes.")
