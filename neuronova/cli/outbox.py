"""`neuronova outbox`."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuronova.cli.accounts import accounts
from neuronova.cli.errors import in_one_line
from neuronova.platform.errors import PlatformError

if TYPE_CHECKING:
    from cdss_api.accounts.work import Work
    from cdss_api.service import Service

outbox = typer.Typer(name="outbox", help="Messages to other systems, and what became of them.", no_args_is_help=True)
target = typer.Typer(name="target", help="The systems that are told of changes.", no_args_is_help=True)
outbox.add_typer(target)

_Name = Annotated[str, typer.Argument(help="Name of the target: lower-case letters, digits and '-'.")]
_Number = Annotated[int, typer.Argument(help="Number of the message.", min=1)]


@target.command()
def add(
    name: _Name,
    url: Annotated[str, typer.Argument(help="Its FHIR base address, or the webhook's.")],
    kinds: Annotated[str, typer.Option(help="Types of resources, as in Patient,ServiceRequest.")],
    profile: Annotated[str, typer.Option(help="fhir-r4, hapi, medplum, openemr or webhook.")] = "fhir-r4",
    poll: Annotated[str, typer.Option(help="Types to ask it for: Patient,ServiceRequest.")] = "",
    authorization: Annotated[
        Path | None, typer.Option(help="JSON file that says how it knows us; see docs/outbox.md.")
    ] = None,
) -> None:
    """Add a target: it is told of every change from now on."""
    with in_one_line():
        from cdss_api.outbox import administration, credentials
        from cdss_api.outbox.configured_targets import Wanted
        from cdss_api.outbox.credentials import Credentials
        from cdss_api.outbox.profiles import Kind

        body = _body(name, url, kinds, profile, poll, authorization)
        secret = credentials.new_signing_secret() if body.profile is Kind.WEBHOOK else None
        known = Credentials(authorization=body.authorization, signing_secret=secret)
        wanted = Wanted(
            target=name, profile=body.profile, url=body.url, kinds=body.kinds, credentials=known, polled=body.polled
        )
        with _changing() as (service, work):
            administration.add_target(work, service.settings.data, wanted)
        typer.echo(f"{name} is told of {', '.join(sorted(set(body.kinds)))}.")
        if body.polled:
            typer.echo(f"{name} is asked for {', '.join(sorted(set(body.polled)))}.")
        if secret is not None:
            typer.echo(f"Its signatures are made with {secret} - it is not shown again.")


@target.command("list")
def targets() -> None:
    """List the targets, how much waits for each, and what its breaker says."""
    with in_one_line():
        from rich.console import Console
        from rich.table import Column, Table

        from cdss_api.outbox.depths import depth_of

        told = ("Told of", "Asked for", Column("State", no_wrap=True))
        table = Table("Target", "Profile", "Address", *told, "Waiting", "Oldest", "Dead letters")
        with accounts() as service, service.database.reading() as session:
            for one in depth_of(session, service.now()):
                types = (" ".join(one.kinds), " ".join(one.polled), "paused" if one.paused else one.breaker)
                counts = (str(one.waiting), f"{one.oldest_seconds:.0f} s", str(one.dead))
                table.add_row(
                    one.target,
                    one.profile or ("(platform)" if one.own else "(removed)"),
                    one.url or "",
                    *types,
                    *counts,
                )
        Console().print(table)


@target.command()
def remove(
    name: _Name, drop: Annotated[bool, typer.Option("--drop", help="Delete what waits for it, too.")] = False
) -> None:
    """Forget a target."""
    with in_one_line():
        from cdss_api.outbox import administration, credentials

        with _changing() as (service, work):
            dropped = administration.remove_target(work, name, drop=drop)
        credentials.forget(service.settings.data, name)
        typer.echo(f"{name} is removed; {dropped} messages were deleted with it.")


@target.command()
def pause(name: _Name) -> None:
    """Stop sending to a target; what changes meanwhile waits for it."""
    _pause(name, paused=True)


@target.command()
def resume(name: _Name) -> None:
    """Send to a target again."""
    _pause(name, paused=False)


@outbox.command("list")
def messages(
    to: Annotated[str | None, typer.Option("--target", help="Of this target only.")] = None,
    state: Annotated[str | None, typer.Option(help="pending, processing, completed, failed or dead_letter.")] = None,
    after: Annotated[int, typer.Option(help="Behind this number.", min=0)] = 0,
    count: Annotated[int, typer.Option(help="So many.", min=1, max=1000)] = 100,
) -> None:
    """List messages."""
    with in_one_line():
        from rich.console import Console
        from rich.table import Table

        from cdss_api.outbox.operations import listed
        from cdss_api.outbox.states import State

        if state is not None and state not in list(State):
            raise PlatformError(f"{state} is no state; there are {', '.join(State)}")
        wanted = None if state is None else State(state)
        table = Table("Number", "Target", "Aggregate", "Kind", "State", "Attempts", "Written", "Said")
        with accounts() as service, service.database.reading() as session:
            for one in listed(session, target=to, state=wanted, after=after, count=count):
                counted = (one.state, str(one.attempts), _time(one.created_at), (one.detail or "")[:80])
                table.add_row(str(one.number), one.target, one.aggregate, one.kind, *counted)
        Console().print(table)


@outbox.command()
def show(number: _Number) -> None:
    """Show a message with its payload and the target's last answer; this is recorded."""
    with in_one_line():
        from dataclasses import asdict

        from cdss_api.outbox import administration

        with _changing() as (_, work):
            shown = asdict(administration.show_message(work, number))
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@outbox.command()
def retry(number: _Number) -> None:
    """Have a dead letter, or a message that waits after a failure, tried at once."""
    with in_one_line():
        from cdss_api.outbox import administration

        with _changing() as (_, work):
            shown = administration.retry_message(work, number)
        typer.echo(f"Message {number} to {shown.target} is tried at once.")


@outbox.command()
def drop(number: _Number) -> None:
    """Delete a message that was not sent; what waited behind it goes on."""
    with in_one_line():
        from cdss_api.outbox import administration

        with _changing() as (_, work):
            dropped = administration.drop_message(work, number)
        typer.echo(f"Message {number} to {dropped.target} about {dropped.aggregate} is deleted.")


def _pause(name: str, *, paused: bool) -> None:
    with in_one_line():
        from cdss_api.outbox import administration

        with _changing() as (_, work):
            administration.pause_target(work, name, paused=paused)
        typer.echo(f"{name} is {'paused' if paused else 'sent to again'}.")


def _body(name: str, url: str, kinds: str, profile: str, poll: str, authorization: Path | None) -> Any:
    from pydantic import ValidationError

    from cdss_api.outbox.shapes import TargetBody

    given: dict[str, Any] = {"target": name, "url": url, "profile": profile, "kinds": kinds.split(",")}
    given["polled"] = [one for one in poll.split(",") if one]
    if authorization is not None:
        try:
            given["authorization"] = json.loads(authorization.read_text())
        except (OSError, ValueError) as odd:
            raise PlatformError(f"{authorization} cannot be read as JSON ({type(odd).__name__})") from None
    try:
        return TargetBody.model_validate(given)
    except ValidationError as odd:
        first = odd.errors(include_input=False)[0]
        raise PlatformError(f"{'.'.join(map(str, first['loc'])) or 'target'}: {first['msg']}") from None


@contextmanager
def _changing() -> Iterator[tuple[Service, Work]]:
    """Change the outbox in one transaction; what is not possible is a PlatformError."""
    from cdss_api.accounts.recording import Actor
    from cdss_api.outbox.configured_targets import NoSuchTarget, StillOpen, TargetExists
    from cdss_api.outbox.operations import NoSuchMessage, NotNow

    try:
        with accounts() as service, service.work(Actor(subject=f"cli:{getpass.getuser()}")) as work:
            yield service, work
    except (NoSuchMessage, NoSuchTarget, NotNow, TargetExists) as odd:
        raise PlatformError(str(odd)) from None
    except StillOpen as odd:
        raise PlatformError(f"{odd}; --drop deletes those that wait") from None


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
