"""The platform's gateway and viewer before any Orthanc: what stands behind `/dicom-web/` is all that differs."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuronova.platform import render, viewer
from neuronova.platform.layout import Layout
from neuronova.platform.parts import answers_http, local_url
from neuronova.platform.programs import find_programs
from tests.server import Server, until


@contextmanager
def gateway(server: Server) -> Iterator[str]:
    """Run the gateway before `server` for the length of a block; give its address."""
    layout = Layout(server.settings.data)
    viewer.install(layout)
    user = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else None
    template = render.GATEWAY_TEMPLATE.read_text()
    layout.gateway_config.write_text(render.gateway_config(template, server.settings, layout, user=user))
    command = render.commands(server.settings, layout, find_programs(), Path(sys.executable))["gateway"]
    url = local_url(server.settings)
    with layout.log_of("gateway").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: answers_http(f"{url}/app-config.js"), f"the gateway answers; {layout.log_of('gateway')}")
        yield url
    finally:
        process.terminate()
        process.wait(30)
