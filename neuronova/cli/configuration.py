"""The settings of a command: the environment over `.env`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from neuronova.contract.settings import (
    Settings,
    SettingsError,
    origins_of,
    read_dotenv,
    read_settings,
    with_secret_files,
)
from neuronova.platform.layout import REPOSITORY


def load_settings() -> Settings:
    """Read the settings from the environment over the `.env` of this folder, or else of the repository."""
    dotenv = _dotenv()
    settings = read_settings(with_secret_files({**dotenv, **os.environ}, Path.read_text))
    return replace(settings, origins=origins_of(os.environ, dotenv))


def dotenv_file() -> Path | None:
    """Return the `.env` that settings are read from."""
    files = (folder / ".env" for folder in (Path.cwd(), REPOSITORY))
    return next((file for file in files if file.is_file()), None)


def variables() -> dict[str, str]:
    """Return the variables that settings are read from, before the files that some of them name are read."""
    return {**_dotenv(), **os.environ}


def _dotenv() -> dict[str, str]:
    file = dotenv_file()
    if file is None:
        return {}
    try:
        return read_dotenv(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {file}: {error}") from None
