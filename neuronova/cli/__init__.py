"""The platform's command line: one file a command, heavy libraries imported where they are used."""

from __future__ import annotations

import typer

from neuronova.cli.ai import ai
from neuronova.cli.anonymising import anonymise
from neuronova.cli.audit import audit
from neuronova.cli.backup import backup
from neuronova.cli.clients import clients
from neuronova.cli.demo import demo
from neuronova.cli.doctor import doctor
from neuronova.cli.exporting import export
from neuronova.cli.forwarding import forward, forwarding
from neuronova.cli.importing import import_
from neuronova.cli.keys import keys
from neuronova.cli.modality import modality
from neuronova.cli.outbox import outbox
from neuronova.cli.parts import part, prepare, restart_api
from neuronova.cli.prefetch import prefetch
from neuronova.cli.restore import restore
from neuronova.cli.retention import retention
from neuronova.cli.run import run
from neuronova.cli.transcode import transcode
from neuronova.cli.users import users

app = typer.Typer(
    name="neuronova",
    help="NeuroNova: a PACS that serves every image as HTJ2K.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(prepare)
app.command()(part)
app.command("restart-api")(restart_api)
app.command()(demo)
app.command()(transcode)
app.command()(forward)
app.command("import")(import_)
app.command()(export)
app.command()(anonymise)
app.add_typer(users)
app.add_typer(clients)
app.add_typer(keys)
app.add_typer(modality)
app.add_typer(audit)
app.add_typer(outbox)
app.add_typer(forwarding)
app.add_typer(prefetch)
app.add_typer(retention)
app.add_typer(ai)
app.add_typer(backup)
app.command()(restore)
app.command()(doctor)
