"""Where the audit trail lies in the data folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuronova.audit.reading import journals


@dataclass(frozen=True, slots=True)
class Trail:
    """The folders of the audit trail below `NEURONOVA_DATA`."""

    data: Path

    @property
    def folder(self) -> Path:
        """The journals, a file for each writer."""
        return self.data / "audit"

    @property
    def checkpoints(self) -> Path:
        """Signed checkpoints over all journals."""
        return self.folder / "checkpoints"

    @property
    def cuts(self) -> Path:
        """Signed statements of what was removed for its age."""
        return self.folder / "cuts"

    @property
    def removed(self) -> Path:
        """What was removed."""
        return self.folder / "removed"

    @property
    def forwarded(self) -> Path:
        """How far each collector has been sent the records."""
        return self.folder / "forwarded"

    @property
    def keys(self) -> Path:
        """The key that checkpoints and cuts are signed with."""
        return self.data / "keys" / "audit"

    def journal(self, writer: str) -> Path:
        """Return the file of one writer's journal."""
        return self.folder / f"{writer}.db"

    def journals(self) -> list[Path]:
        """Return the files of all journals."""
        return journals(self.folder)
