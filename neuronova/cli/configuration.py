"""The settings of a command: the environment over `.env`."""

from __future__ import annotations

import os
from pathlib import Path

from neuronova.contract.settings import Settings, SettingsError, read_dotenv, read_settings, with_secret_files
from neuronova.platform.layout import REPOSITORY


def load_settings() -> Settings:
    """Read the settings from the environment over the `.env` of this folder, or else of the repository."""
    return read_settings(with_secret_files({**_dotenv(), **os.environ}, Path.read_text))


def _dotenv() -> dict[str, str]:
    for folder in (Path.cwd(), REPOSITORY):
        file = folder / ".env"
        if file.is_file():
            try:
                return read_dotenv(file.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"cannot read {file}: {error}") from None
    return {}
