"""Orthanc with our plugins and no gate before them: what the gate costs is measured against this, and nothing else.

It stands alone in its folder, as the platform's own entry does.
"""

import os
from collections.abc import Callable
from typing import Any

import orthanc

from orthanc_plugins.access.address import read_address
from orthanc_plugins.access.decision import INTERNAL
from orthanc_plugins.access.gate import Gate, Judgement
from orthanc_plugins.access.recording import Route
from orthanc_plugins.install import install
from orthanc_plugins.threads import kept

EVERYTHING = Judgement(read_address("GET", "/dicom-web/studies"), None, INTERNAL, Route("GET", "/", "127.0.0.1"))


class Ungated:
    """Orthanc's own module, but for the filter, which is never registered."""

    def __getattr__(self, name: str) -> Any:
        return getattr(orthanc, name)

    def RegisterIncomingHttpRequestFilter(self, _filter: object) -> None:  # noqa: N802 - Orthanc's name
        """Register nothing."""

    def RegisterRestCallback(self, uri: str, answer: Callable[..., None]) -> None:  # noqa: N802 - Orthanc's name
        """Keep the thread here, which is the filter's to do where there is one."""
        orthanc.RegisterRestCallback(uri, kept(answer))


setattr(Gate, "judge", lambda *_: EVERYTHING)  # noqa: B010 - a method is not assigned to otherwise
install(Ungated(), os.environ)
