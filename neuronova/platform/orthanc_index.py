"""Orthanc's index: SQLite in the data folder, or PostgreSQL by one URL; stored files lie in the data folder always."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from neuronova.contract.settings import Settings
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout
from neuronova.platform.postgres import Postgres, value
from neuronova.platform.programs import INDEX_PLUGIN, PLUGINS, Programs

_SEVERAL_WRITERS = (1, 12)  # of Orthanc; Debian has its plugin for PostgreSQL of the same time
SETTING = "NEURONOVA_ORTHANC_INDEX_URL"


def index_database(settings: Settings) -> Postgres | None:
    """Return the database that holds Orthanc's index; none where it is SQLite's file."""
    return None if settings.orthanc_index_url is None else Postgres(SETTING, settings.orthanc_index_url)


def plugins_of(settings: Settings, programs: Programs) -> list[Path]:
    """Return the plugins that Orthanc loads, in their order."""
    names = PLUGINS if settings.orthanc_index_url is None else (*PLUGINS, INDEX_PLUGIN)
    return [programs.plugins / name for name in names]


def check_index(settings: Settings, programs: Programs, layout: Layout) -> None:
    """Make sure that Orthanc can have its index where the settings say.

    Raises:
        PlatformError: the plugin is missing, the database is not reached, or there is an index in SQLite already.
    """
    database = index_database(settings)
    if database is None:
        return
    require_plugin(programs)
    if settings.more_orthancs:
        _require_several_writers(programs)
    if layout.index.exists():
        raise PlatformError(
            f"{SETTING} is set and {layout.index} is there: what it lists would be out of sight. Unset the one, or "
            "begin with an empty NEURONOVA_DATA and send the studies again (docs/capacity.md)"
        )
    value(database, "SELECT 1")


def _require_several_writers(programs: Programs) -> None:
    command = [programs.orthanc, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    found = re.search(r"\b(\d+)\.(\d+)\.\d+", said)
    if found is None or tuple(map(int, found.groups())) < _SEVERAL_WRITERS:
        raise PlatformError(
            f"NEURONOVA_MORE_ORTHANCS is set, and Orthanc {found[0] if found else 'of an unknown version'} with its "
            "PostgreSQL plugin has one writer; unset it, or take Debian 13's (docs/capacity.md)"
        )


def require_plugin(programs: Programs) -> None:
    """Raise a `PlatformError` where Orthanc's plugin for PostgreSQL is not installed."""
    if not (programs.plugins / INDEX_PLUGIN).is_file():
        raise PlatformError(f"{SETTING} needs Orthanc's plugin {INDEX_PLUGIN}; run ./install.sh system")
