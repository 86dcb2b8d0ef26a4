"""`neuronova demo`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from neuronova.cli.accounts import changing
from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.contract.grants import Operation

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
        with let_in():
            for study in send_all(settings, folder):
                typer.echo(f"{study.label}: {settings.gateway_url}/viewer?StudyInstanceUIDs={study.study_uid}")
        typer.echo(f"Log in at {settings.gateway_url}/ to see them.")


@contextmanager
def let_in() -> Iterator[None]:
    """Have the demo's AE title in the table of modalities, for as long as it sends."""
    from cdss_api import modalities
    from neuronova.demo.sending import AE_TITLE

    with changing() as (_, work):
        modalities.put(work, title=AE_TITLE, host="127.0.0.1", port=104, operations=[Operation.STORE], issuer=None)
    try:
        yield
    finally:
        with changing() as (_, work):
            modalities.remove(work, AE_TITLE)
