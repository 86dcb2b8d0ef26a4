"""Where each setting comes from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from neuronova.contract.settings.values import PREFIX

VARIABLE = "SETTINGS_ORIGINS"
"""By which a process of the platform, which gets all settings as variables, is told; no setting itself."""


class Origin(StrEnum):
    """Where a setting comes from; what has none has its default."""

    ENVIRONMENT = "environment"
    DOTENV = "dotenv"  # the file `.env`
    SECRET_FILE = "secret-file"  # noqa: S105 - a word; the file that NEURONOVA_.._FILE names


def origins_of(environment: Mapping[str, str], dotenv: Mapping[str, str]) -> dict[str, Origin]:
    """Return the origin of each setting that is given, by its name without prefix; the environment wins."""
    found = {}
    for source, origin in ((dotenv, Origin.DOTENV), (environment, Origin.ENVIRONMENT)):
        for name in source:
            if not name.startswith(PREFIX):
                continue
            short = name.removeprefix(PREFIX)
            secret = short.removesuffix("_FILE")
            found[secret] = origin if secret == short else Origin.SECRET_FILE
    return found


def written(origins: Mapping[str, Origin]) -> str:
    """Return the text of the variable."""
    return ",".join(f"{name}={origin}" for name, origin in sorted(origins.items()))


def read(text: str) -> dict[str, Origin]:
    """Read what `written` wrote.

    Raises:
        ValueError: it is something else.
    """
    pairs = (one.split("=", 1) for one in text.split(",") if one)
    return {name: Origin(origin) for name, origin in pairs}
