"""The platform's settings: one frozen object read from a mapping of environment variables."""

from neuronova.contract.settings.model import Settings, SettingsError
from neuronova.contract.settings.origins import Origin, origins_of
from neuronova.contract.settings.reading import NAMES, SECRETS, read_dotenv, read_settings, with_secret_files
from neuronova.contract.settings.values import LONGEST_PASSWORD, PREFIX, SHORTEST_PASSWORD, Doors, Endpoint

__all__ = [
    "LONGEST_PASSWORD",
    "NAMES",
    "PREFIX",
    "SECRETS",
    "SHORTEST_PASSWORD",
    "Doors",
    "Endpoint",
    "Origin",
    "Settings",
    "SettingsError",
    "origins_of",
    "read_dotenv",
    "read_settings",
    "with_secret_files",
]
