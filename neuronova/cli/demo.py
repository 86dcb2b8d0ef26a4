"""`neuronova demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line

_Folder = Annotated[
    Path | None,
    typer.Argument(exists=True, file_okay=False, help="DICOM files to send in place of the built-in studies."),
]


def demo(folder: _Folder = None) -> None:
    """Send sample studies to the running platform, as a modality would."""
    with in_one_line():
        from neuronova.demo.sending import send_all
        from neuronova.platform.errors import PlatformError
        from neuronova.platform.parts import answers_http, local_url

        settings = load_settings()
        if not answers_http(f"{local_url(settings)}/app-config.js"):
            raise PlatformError(f"nothing answers at {local_url(settings)}; start the platform with `make run` first")
        for study in send_all(settings, folder):
            typer.echo(f"{study.label}: {settings.gateway_url}/viewer?StudyInstanceUIDs={study.study_uid}")
