"""`neuronova users`."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from neuronova.cli.accounts import accounts, changing, named
from neuronova.cli.errors import in_one_line
from neuronova.contract.grants import Patient
from neuronova.contract.roles import Role
from neuronova.contract.settings import LONGEST_PASSWORD, SHORTEST_PASSWORD
from neuronova.platform.errors import PlatformError

users = typer.Typer(name="users", help="Accounts, and whose images they may see.", no_args_is_help=True)

_Username = Annotated[str, typer.Argument(help="The name to log in with.")]
_Patient = Annotated[str, typer.Argument(help="PatientID (0010,0020).")]
_Issuer = Annotated[str, typer.Option(help="Issuer of PatientID (0010,0021), where the images name one.")]
_Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@users.command()
def add(
    username: _Username,
    role: Annotated[Role, typer.Option(help="What the account is.")],
    name: Annotated[str, typer.Option(help="The name to show.")] = "",
    patient_id: Annotated[str | None, typer.Option(help="Whose the images are, for the role patient.")] = None,
    issuer: _Issuer = "",
    password_stdin: _Stdin = False,
) -> None:
    """Make an account; without --password-stdin its password is made too, and printed once."""
    with in_one_line():
        from cdss_api.accounts import people

        patient = None if patient_id is None else _patient(patient_id, issuer)
        _require(username, "NewName", "a username: letters, digits and . _ @ -, at most 64")
        _require(name, "DisplayName", "a name to show")
        password = _password(password_stdin)
        with changing() as (service, work):
            hashed = service.passwords.hash(password)
            people.add(work, username=username, role=role, password_hash=hashed, display_name=name, patient=patient)
        _told(f"{username} is a {role} now", password, shown=not password_stdin)


@users.command("list")
def show() -> None:
    """List the accounts."""
    with in_one_line():
        from rich.console import Console
        from rich.table import Table
        from sqlalchemy import select

        from cdss_api.accounts.models import Account

        table = Table("Username", "Name", "Role", "Enabled", "One-time password")
        with accounts() as service, service.database.reading() as session:
            for one in session.scalars(select(Account).order_by(Account.username)):
                table.add_row(one.username, one.display_name, one.role, _yes(one.enabled), _yes(one.totp_confirmed))
        Console().print(table)


@users.command()
def disable(username: _Username) -> None:
    """Refuse an account everything, at once."""
    _enable(username, False)


@users.command()
def enable(username: _Username) -> None:
    """Let a disabled account in again."""
    _enable(username, True)


@users.command("reset-password")
def reset_password(username: _Username, password_stdin: _Stdin = False) -> None:
    """Replace a password and end the account's logins; one-time passwords are asked for no more."""
    with in_one_line():
        from cdss_api.accounts import people

        password = _password(password_stdin)
        with changing() as (service, work):
            account = named(work, username)
            people.set_password(work, account, service.passwords.hash(password))
            people.set_one_time(work, account, None, confirmed=False)
        _told(f"{username} has a new password", password, shown=not password_stdin)


@users.command()
def grant(username: _Username, patient_id: _Patient, issuer: _Issuer = "") -> None:
    """Let an account see a patient, as one of the care team."""
    with in_one_line():
        from cdss_api.accounts import grants

        patient = _patient(patient_id, issuer)
        with changing() as (_, work):
            grants.give(work, named(work, username), patient)
        typer.echo(f"{username} may see patient {patient_id}.")


@users.command()
def revoke(username: _Username, patient_id: _Patient, issuer: _Issuer = "") -> None:
    """End what `grant` began."""
    with in_one_line():
        from cdss_api.accounts import grants

        patient = _patient(patient_id, issuer)
        with changing() as (_, work):
            if not grants.take(work, named(work, username), patient):
                raise PlatformError(f"{username} was not granted patient {patient_id} of issuer {issuer!r}")
        typer.echo(f"{username} may see patient {patient_id} no more.")


def _enable(username: str, enabled: bool) -> None:
    with in_one_line():
        from cdss_api.accounts import people

        with changing() as (_, work):
            people.change(work, named(work, username), enabled=enabled)
        typer.echo(f"{username} is {'enabled' if enabled else 'disabled'}.")


def _password(from_stdin: bool) -> str:
    if not from_stdin:
        return secrets.token_urlsafe(16)
    password = typer.get_text_stream("stdin").readline().rstrip("\n")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise PlatformError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return password


def _told(what: str, password: str, *, shown: bool) -> None:
    typer.echo(f"{what}; the password is {password}" if shown else f"{what}.")


def _patient(patient_id: str, issuer: str) -> Patient:
    _require(patient_id, "PatientId", "a PatientID of 1 to 64 characters")
    _require(issuer, "Issuer", "an issuer of at most 64 characters")
    return Patient(patient_id, issuer)


def _require(text: str, shape: str, what: str) -> None:
    """Hold what is typed to what the API takes."""
    from pydantic import TypeAdapter, ValidationError

    from cdss_api.accounts import shapes

    try:
        TypeAdapter(getattr(shapes, shape)).validate_python(text)
    except ValidationError:
        raise PlatformError(f"{text!r} is not {what}") from None


def _yes(true: bool) -> str:
    return "yes" if true else "no"
