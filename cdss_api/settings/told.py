"""Settings as they may be told: where each comes from, and no secret."""

from __future__ import annotations

from collections.abc import Mapping

from neuronova.contract.settings import NAMES, PREFIX, SECRETS, Origin, Settings

_NO_ORIGIN = "default"


def told(settings: Settings) -> list[dict[str, object]]:
    """Return each setting in the order of `.env.example`; of a secret only whether it is set.

    A secret that this process is not given (the first password, the backups') is known by its origin.
    """
    values = settings.environment()
    return [_one(name.removeprefix(PREFIX), values.get(name), settings.origins) for name in NAMES]


def _one(name: str, value: str | None, origins: Mapping[str, Origin]) -> dict[str, object]:
    secret = name in SECRETS
    return {
        "name": PREFIX + name,
        "secret": secret,
        "is_set": value is not None or name in origins,
        "value": None if secret else value,
        "origin": origins.get(name, _NO_ORIGIN),
    }
