"""A destination: a Storage SCP (PS3.4 Annex B) that can be down, refuse, and wait."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import BasicTextSRStorage, CTImageStorage, MRImageStorage  # type: ignore[attr-defined]

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
REFUSED_SOP_CLASS = 0x0122
CANNOT_UNDERSTAND = 0xC000


@dataclass
class Peer:
    """What it holds is by SOPInstanceUID, as an archive has it; `came` counts how often each was sent."""

    port: int
    title: str = "PEER"
    classes: Sequence[str] = (CTImageStorage, MRImageStorage, BasicTextSRStorage)
    status: int = SUCCESS
    held: dict[str, Dataset] = field(default_factory=dict)
    came: Counter[str] = field(default_factory=Counter)
    blocks_at: int | None = None  # the number of the C-STORE that waits for `go_on`
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def up(self) -> Iterator[Peer]:
        """Answer for the length of a block."""
        entity = AE(ae_title=self.title)
        for one in self.classes:
            entity.add_supported_context(one)
        server = entity.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_C_STORE, self._store)]
        )
        assert server is not None
        try:
            yield self
        finally:
            self.go_on.set()
            server.shutdown()

    def _store(self, event: Any) -> int:
        if self.blocks_at is not None and self.came.total() + 1 >= self.blocks_at and not self.reached.is_set():
            self.reached.set()
            self.go_on.wait(30)
        image = event.dataset
        self.came[str(image.SOPInstanceUID)] += 1
        if self.status == SUCCESS:
            self.held[str(image.SOPInstanceUID)] = image
        return self.status
