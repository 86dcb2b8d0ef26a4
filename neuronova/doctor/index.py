"""Orthanc's index where it is PostgreSQL: its database and the plugin for it."""

from __future__ import annotations

from neuronova.doctor.finding import Finding, failed, ok
from neuronova.platform.errors import PlatformError
from neuronova.platform.orthanc_index import require_plugin
from neuronova.platform.postgres import Postgres, value
from neuronova.platform.programs import find_programs


def look_at_index(database: Postgres) -> list[Finding]:
    """Look at the database that the settings name."""
    try:
        require_plugin(find_programs())
        version = value(database, "SHOW server_version")
    except PlatformError as why:
        return [failed("Orthanc's index", str(why), "see that the plugin is installed, the database runs and takes us")]
    return [ok("Orthanc's index", f"PostgreSQL {version}")]
