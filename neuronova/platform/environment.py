"""The environment that the platform's processes run in."""

from __future__ import annotations

import json
import os
import sysconfig
from collections.abc import Mapping

from neuronova.contract.orthancs import NUMBER
from neuronova.contract.settings import Doors, Settings
from neuronova.platform.layout import REPOSITORY, Layout
from neuronova.platform.orthanc_index import plugins_of
from neuronova.platform.programs import Programs

# No part needs these: the first account is made before any of them starts, and backups are a command's.
_OTHERS_SECRETS = ("NEURONOVA_ADMIN_PASSWORD", "NEURONOVA_BACKUP_REPOSITORY", "NEURONOVA_BACKUP_PASSWORD")


def orthanc_variables(settings: Settings, layout: Layout, programs: Programs) -> dict[str, str]:
    """Return the `${VAR}`s of orthanc.json; Orthanc puts them in as text, so they come escaped for JSON."""
    texts = {
        "ORTHANC_SCRIPT": REPOSITORY / "orthanc_plugins" / "entry" / "neuronova_entry.py",
        "ORTHANC_STORAGE": layout.orthanc,
        "ORTHANC_INDEX_URL": settings.orthanc_index_url or "",
        "ORTHANC_TEMPORARY": layout.temporary,
        "ORTHANC_AET": settings.aet,
        "ORTHANC_TLS_CERTIFICATE": settings.dicom_tls_certificate or "",
        "ORTHANC_TLS_KEY": settings.dicom_tls_key or "",
        "ORTHANC_TLS_CA": settings.dicom_tls_ca or "",
    }
    values = {
        "ORTHANC_PLUGINS": json.dumps([str(path) for path in plugins_of(settings, programs)]),
        "ORTHANC_INDEX_IN_POSTGRESQL": json.dumps(settings.orthanc_index_url is not None),
        "ORTHANC_INDEX_LOCK": json.dumps(not settings.more_orthancs),
        **_doors(settings.orthancs[0]),
        "ORTHANC_TLS": json.dumps(settings.dicom_tls_certificate is not None),
    }
    return {name: json.dumps(str(text))[1:-1] for name, text in texts.items()} | {
        name: str(value) for name, value in values.items()
    }


def platform_environment(
    settings: Settings, layout: Layout, programs: Programs, ambient: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the environment of every process of the platform: `ambient` with what they need."""
    ours = {name: value for name, value in settings.environment().items() if name not in _OTHERS_SECRETS}
    foreign = ("PYTHON", "NEURONOVA_", "ORTHANC_")  # a stray PYTHONHOME would break the Python inside Orthanc
    kept = {name: value for name, value in ambient.items() if not name.startswith(foreign)}
    return {
        **kept,
        **ours,
        **orthanc_variables(settings, layout, programs),
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), sysconfig.get_path("platlib")]),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # DCMTK leaves Nagle's algorithm on; without it modalities send 2.5 times faster.
        "TCP_NODELAY": "1",
        # Else each of a program's many threads gets an arena of its own, and keeps what it once needed.
        "MALLOC_ARENA_MAX": ambient.get("MALLOC_ARENA_MAX", "5"),
        # The parts talk to one another directly, whatever proxy the machine uses for the world.
        "NO_PROXY": ",".join(filter(None, [ambient.get("NO_PROXY"), "127.0.0.1,localhost"])),
        "no_proxy": ",".join(filter(None, [ambient.get("no_proxy"), "127.0.0.1,localhost"])),
        "TMPDIR": str(layout.temporary),
    }


def variables_of_further(doors: Doors, number: int) -> dict[str, str]:
    """Return what the environment of a further Orthanc, the `number`th, has in place of the first one's."""
    return {
        NUMBER: str(number),
        **{name: str(port) for name, port in _doors(doors).items()},
        "NEURONOVA_ORTHANC_PORT": str(doors.http),
        "NEURONOVA_DICOM_PORT": str(doors.dicom),
        "NEURONOVA_MORE_ORTHANCS": "none",
    }


def _doors(doors: Doors) -> dict[str, int]:
    return {"ORTHANC_HTTP_PORT": doors.http, "ORTHANC_DICOM_PORT": doors.dicom}
