"""`neuronova forwarding` and `neuronova forward`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuronova.cli.accounts import accounts, changing
from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.cli.rules_files import require_storing, rules_of
from neuronova.contract.roles import Permission
from neuronova.platform.errors import PlatformError

if TYPE_CHECKING:
    from cdss_api.service import Service
    from neuronova.archive.asking import Asking
    from neuronova.contract.forwarding.rules import ForwardingRule

forwarding = typer.Typer(name="forwarding", help="Which series go on to which other AE title.", no_args_is_help=True)
SCOPES = (Permission.ARCHIVE_MANAGE, Permission.IMAGES_READ)
_File = Annotated[Path | None, typer.Argument(help="File of rules; by default that of NEURONOVA_FORWARDING_RULES.")]


@forwarding.command()
def check(file: _File = None) -> None:
    """Check a file of rules: every error with its line, and whether its destinations are known."""
    with in_one_line():
        path = _path(file)
        found = _read(path)
        typer.echo(f"{path}: no errors; rules: {', '.join(rule.name for rule in found)}")
        require_storing({rule.to for rule in found})


@forwarding.command()
def test(
    file: _File = None,
    study: Annotated[str | None, typer.Option(help="Only this study: its StudyInstanceUID.")] = None,
) -> None:
    """Say for each stored series which rule would send it where, or why not; nothing is sent."""
    with in_one_line():
        from rich.console import Console
        from rich.progress import track
        from rich.table import Table

        from neuronova.archive.forwarding import dry_run
        from neuronova.archive.series import stored_series

        rules = _read(_path(file))
        table = Table("Series", "Rule", "To", "Why not", show_lines=True)
        unread = 0
        with accounts() as service:
            asking = _asking(service)
            stored = stored_series(asking, study)
            if study is not None and not stored:
                raise PlatformError(f"no study {study} is stored")
            looked = track(stored, "Looking through the archive", console=Console(stderr=True), transient=True)
            for said in dry_run(asking, looked, rules):
                unread += said.problem is not None
                if said.problem is not None:
                    table.add_row(said.stored.series, "", "", said.problem)
                for rule, reasons in said.reasons:
                    to = "" if reasons else f"{rule.to}, {rule.priority}, {rule.when}"
                    table.add_row(f"{said.described}\n{said.stored.series}", rule.name, to, "\n".join(reasons))
        Console().print(table)
        if unread:
            raise typer.Exit(2)


@forwarding.command()
def queue(
    count: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=10_000)] = 100,
) -> None:
    """List what is on its way, what arrived and what did not; `neuronova outbox` has the messages themselves."""
    with in_one_line():
        from datetime import UTC, datetime

        from rich.console import Console
        from rich.table import Table

        from cdss_api.forwarding.listing import listed

        table = Table("Number", "To", "Rule", "Series", "State", "Message", "Since", "What was said")
        with accounts() as service, service.database.reading() as session:
            for one in listed(session, state=None, destination=None, before=None, count=count):
                since = datetime.fromtimestamp(one.created_at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
                named = (str(one.number), one.destination, one.rule or "by hand", one.series)
                table.add_row(*named, one.state, str(one.message or ""), since, one.detail or "")
        Console().print(table)


def forward(
    study: Annotated[str, typer.Argument(help="StudyInstanceUID.")],
    to: Annotated[str | None, typer.Option(help="AE title of a modality that may store: all series go there.")] = None,
    rule: Annotated[str | None, typer.Option(help="Name of a rule: the series that it means go where it says.")] = None,
) -> None:
    """Send a stored study to another application entity by hand: all of it, even where it was sent before."""
    with in_one_line():
        if (to is None) == (rule is None):
            raise PlatformError("say either --to AET or --rule NAME")
        from cdss_api.forwarding.models import BY_HAND
        from cdss_api.forwarding.requesting import NoDestination, Wanted, request, require_destination
        from neuronova.archive.forwarding import series_of_study
        from neuronova.contract.priority import Priority

        ruled = None if rule is None else _named(rule)
        title = str(to) if ruled is None else ruled.to
        with accounts() as service:
            asking = _asking(service)
            found = series_of_study(asking, study)
            if ruled is not None:
                found = [one for one in found if _is_meant(asking, study, one.series, ruled)]
        if not found:
            raise PlatformError(f"no series of the study is meant by the rule {rule}")
        try:
            with changing() as (_, work):
                require_destination(work, title)
                for one in found:
                    wanted = Wanted(
                        rule=BY_HAND,
                        destination=title,
                        priority=Priority.ROUTINE if ruled is None else ruled.priority,
                        orthanc=one.orthanc,
                        study=study,
                        series=one.series,
                        patient=one.patient,
                        input_hash=one.input_hash,
                    )
                    request(work, wanted)
        except NoDestination as error:
            raise PlatformError(str(error)) from None
        images = sum(one.images for one in found)
        typer.echo(f"{len(found)} series with {images} images are on their way to {title}.")
        typer.echo("`neuronova forwarding queue` shows how far they are.")


def _path(file: Path | None) -> Path:
    path = file or load_settings().forwarding_rules
    if path is None:
        raise PlatformError("nothing is forwarded: NEURONOVA_FORWARDING_RULES names no file, and neither do you")
    return path


def _read(path: Path) -> tuple[ForwardingRule, ...]:
    from neuronova.contract.forwarding.rules_file import read_forwarding

    return rules_of(path, read_forwarding)


def _named(name: str) -> ForwardingRule:
    rules = {rule.name: rule for rule in _read(_path(None))}
    if name not in rules:
        raise PlatformError(f"there is no rule {name}; there are {', '.join(rules)}")
    return rules[name]


def _asking(service: Service) -> Asking:
    from cdss_api.accounts.service_tokens import token
    from neuronova.archive.asking import Asking

    return Asking(service.settings.orthanc_url, partial(token, service, "forwarding", SCOPES))


def _is_meant(asking: Asking, study: str, series: str, rule: ForwardingRule) -> bool:
    from neuronova.archive.series import Stored, read_series
    from neuronova.contract.forwarding.rules import reasons_against

    return not reasons_against(rule, read_series(asking, Stored(study, series)))
