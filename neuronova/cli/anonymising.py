"""`neuronova anonymise`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.cli.exporting import asking_as, record_disclosure
from neuronova.contract.settings import Settings
from neuronova.platform.errors import PlatformError

if TYPE_CHECKING:
    from rich.progress import Progress

    from neuronova.research.exporting import Exported
    from neuronova.research.pseudonyms import Pseudonyms

_Studies = Annotated[list[str] | None, typer.Argument(metavar="STUDY-UID...", help="StudyInstanceUID (0020,000D).")]
_Key = Annotated[Path, typer.Option("--key", help="File with the key; keep it apart from the images.")]
_To = Annotated[Path | None, typer.Option("--to", help="Folder to write to.")]
_Project = Annotated[str, typer.Option("--project", help="The same key gives each project pseudonyms of its own.")]
_Characteristics = Annotated[
    bool, typer.Option("--characteristics", help="Keep sex, age, size and weight (Retain Patient Characteristics).")
]
_Patient = Annotated[str | None, typer.Option(help="PatientID, where a study is there under several.")]
_Without = Annotated[list[str] | None, typer.Option("--without", metavar="KEYWORD", help="Attribute to leave out too.")]
_Whois = Annotated[str | None, typer.Option(metavar="PSEUDONYM", help="Tell whose pseudonym it is; needs the key.")]
_NewKey = Annotated[bool, typer.Option("--new-key", help="Make a new key, and nothing else.")]


def anonymise(
    key: _Key,
    studies: _Studies = None,
    to: _To = None,
    project: _Project = "",
    characteristics: _Characteristics = False,
    patient: _Patient = None,
    without: _Without = None,
    whois: _Whois = None,
    new_key: _NewKey = False,
) -> None:
    """Write studies for research under pseudonyms (PS3.15 Annex E), and say what was left out.

    What may carry names in its pixels or text is left out: secondary captures, ultrasound, reports, documents.
    """
    with in_one_line():
        from neuronova.research.key import make_key, read_key
        from neuronova.research.pseudonyms import Pseudonyms

        if new_key:
            make_key(key)
            typer.echo(f"A new key is in {key}. Who has it can tell who is who: keep it apart from what is exported.")
            return
        settings, pseudonyms = load_settings(), Pseudonyms(key=read_key(key), project=project)
        if whois is not None:
            _tell(settings, pseudonyms, whois)
        elif not studies or to is None:
            raise PlatformError("name the studies by their StudyInstanceUID, and a folder by --to")
        else:
            _say(
                _export(
                    settings,
                    pseudonyms,
                    studies,
                    to,
                    patient,
                    frozenset(without or ()),
                    characteristics=characteristics,
                ),
                to,
            )


def _export(
    settings: Settings,
    pseudonyms: Pseudonyms,
    studies: list[str],
    to: Path,
    patient: str | None,
    without: frozenset[str],
    *,
    characteristics: bool,
) -> Exported:
    from neuronova.archive.studies import find_studies
    from neuronova.research.exporting import export_studies

    with asking_as(settings, "anonymise") as asking:
        found = find_studies(asking, studies, patient)
        record_disclosure(settings, "neuronova anonymise", found, f"project {pseudonyms.project or '-'}, to {to.name}")
        with _progress() as progress:
            task = progress.add_task("De-identifying", total=sum(one.instances for one in found))
            return export_studies(
                asking,
                found,
                to,
                pseudonyms,
                characteristics=characteristics,
                without=without,
                moved=lambda: progress.advance(task),
            )


def _say(exported: Exported, to: Path) -> None:
    names = ", ".join(sorted(exported.patients))
    typer.echo(f"{exported.written:,} objects are in {to}, of {len(exported.patients)} patients: {names or '-'}")
    for reason, uids in exported.left_out.items():
        typer.echo(f"Left out, {len(uids):,} objects: {reason}")
        for uid in uids:
            typer.echo(f"  {uid}")
    typer.echo("Faces can be reconstructed from heads: no pixel was changed.")


def _tell(settings: Settings, pseudonyms: Pseudonyms, pseudonym: str) -> None:
    from neuronova.cli.recording import recorded
    from neuronova.contract.audit import Action
    from neuronova.research.whois import who_is

    with asking_as(settings, "anonymise") as asking, _progress() as progress:
        task = progress.add_task("Looking through the archive", total=asking.json("GET", "/statistics")["CountStudies"])
        whose = who_is(asking, pseudonyms, pseudonym, lambda: progress.advance(task))
    if whose is None:
        raise PlatformError(f"no patient of the archive has the pseudonym {pseudonym} by this key and project")
    issuer, patient_id = whose
    recorded(settings, Action.DISCLOSE, "neuronova anonymise --whois", patient_id, issuer, "", pseudonym)
    typer.echo(f"{pseudonym} is PatientID {patient_id}" + (f" of {issuer}" if issuer else ""))


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))
