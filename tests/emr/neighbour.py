"""Another NeuroNova, over HTTP: what it was asked is noted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.contract.settings import read_settings
from tests.accounts.api import Api, Clock
from tests.fhir.asking import ROOT, Fhir
from tests.running import ADMIN_PASSWORD
from tests.serving import serving


@dataclass
class Neighbour:
    """Its interface, where it is, and the questions that came by HTTP."""

    fhir: Fhir
    url: str = ""
    asked: list[str] = field(default_factory=list)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)  # what happens after each answer

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Note a question, and pass it on (PEP 3333)."""
        self.asked.append(f"{environ['PATH_INFO'].removeprefix(ROOT)}?{environ['QUERY_STRING']}")
        answer = b"".join(self.fhir.api.app(environ, start))
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return [answer]


@contextmanager
def neighbour(folder: Path, template: Path) -> Iterator[Neighbour]:
    """Run one, on SQLite."""
    for name in ("api", "keys", "journal"):
        (folder / name).mkdir(parents=True)
    shutil.copy(template, folder / "api")
    journal, clock = AuditJournal(folder / "journal" / "api.db", "api"), Clock()
    settings = read_settings({"NEURONOVA_DATA": str(folder), "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD})
    api = Api(settings, clock=clock, accesses=AccessRecorder(journal, clock))
    made = Neighbour(Fhir(api, journal.path))
    server = make_server("127.0.0.1", 0, made, threaded=True)
    made.url = f"http://127.0.0.1:{server.server_port}{ROOT}"
    try:
        with serving(server):
            yield made
    finally:
        api.service.database.close()
        journal.close()
