"""What has to be there before the first part starts: the viewer, tables, keys, the parts' configuration."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from cdss_api import starting
from cdss_api.audit.journals import open_journal
from cdss_api.audit.recording import recorder
from cdss_api.errors import Unavailable
from cdss_api.metrics.shared import forget_counts
from neuronova.audit.files import JournalFailed
from neuronova.contract.settings import Settings
from neuronova.platform import preflight, render, viewer
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import REPOSITORY, Layout
from neuronova.platform.orthanc_index import check_index
from neuronova.platform.programs import Programs, find_programs

Say = Callable[[str], None]


def prepare_alone(settings: Settings, say: Say) -> None:
    """Prepare the data folder for parts that something else starts, each by itself.

    Raises:
        PlatformError: a part runs, or something cannot be made.
    """
    layout = Layout(settings.data)
    programs = find_programs()
    preflight.prepare_data_folder(layout)
    with preflight.only_one(layout):
        prepare(settings, layout, programs, say)


def prepare(settings: Settings, layout: Layout, programs: Programs, say: Say) -> None:
    """Bring the data folder to what this version expects; the caller holds its lock.

    Raises:
        PlatformError: something cannot be made.
    """
    preflight.check_path(REPOSITORY, "the platform's own folder")
    preflight.check_collector(settings)
    preflight.check_certificates(settings)
    check_index(settings, programs, layout)
    viewer.install(layout)
    forget_counts(settings)
    _prepare_api(settings, say)
    _write_configuration(settings, layout, programs)


def _prepare_api(settings: Settings, say: Say) -> None:
    try:
        with closing(open_journal(settings, "cli")) as journal:
            service = starting.open_service(settings, record=recorder(journal))
            with closing(service.database):
                starting.prepare(service, say)
    except (Unavailable, JournalFailed) as error:
        raise PlatformError(str(error)) from None


def _write_configuration(settings: Settings, layout: Layout, programs: Programs) -> None:
    # nginx hands its workers to `nobody` if root starts it, who may not enter the data folder.
    user = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else None
    commands = render.commands(settings, layout, programs, Path(sys.executable))
    template = render.GATEWAY_TEMPLATE.read_text()
    layout.gateway_config.write_text(render.gateway_config(template, settings, layout, user=user))
    layout.supervisor_config.write_text(render.supervisor_config(layout, commands, user=user))
