"""The platform's settings: one frozen object read from a mapping of environment variables."""

from neuronova.contract.settings.model import PREFIX, Settings, SettingsError
from neuronova.contract.settings.reading import NAMES, SECRETS, read_dotenv, read_settings, with_secret_files
from neuronova.contract.settings.values import LONGEST_PASSWORD, SHORTEST_PASSWORD, Endpoint

__all__ = [
    "LONGEST_PASSWORD",
    "NAMES",
    "PREFIX",
    "SECRETS",
    "SHORTEST_PASSWORD",
    "Endpoint",
    "Settings",
    "SettingsError",
    "read_dotenv",
    "read_settings",
    "with_secret_files",
]
