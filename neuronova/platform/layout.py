"""Where everything lies: the data folder's parts and the repository's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Layout:
    """The folders below `NEURONOVA_DATA`; docs/architecture.md says what each holds."""

    data: Path

    @property
    def orthanc(self) -> Path:
        """Orthanc's storage, and its index where that is SQLite."""
        return self.data / "orthanc"

    @property
    def index(self) -> Path:
        """Orthanc's index where it is SQLite."""
        return self.orthanc / "index"

    @property
    def viewer(self) -> Path:
        """OHIF laid out for the gateway."""
        return self.data / "viewer"

    @property
    def run(self) -> Path:
        """Sockets, pids and generated configuration."""
        return self.data / "run"

    @property
    def log(self) -> Path:
        """One rotated log a process."""
        return self.data / "log"

    @property
    def temporary(self) -> Path:
        """Where processes put their temporary files: they hold patients' data, so not in /tmp."""
        return self.run / "tmp"

    @property
    def lock(self) -> Path:
        """The file that a running platform holds."""
        return self.run / "lock"

    @property
    def unfinished(self) -> Path:
        """A file that is there from the beginning of a restore until it is found to be whole."""
        return self.data / "restore-unfinished"

    @property
    def socket(self) -> Path:
        """The supervisor's control socket."""
        return self.run / "supervisor.sock"

    @property
    def supervisor_config(self) -> Path:
        """The generated supervisord.conf."""
        return self.run / "supervisord.conf"

    @property
    def gateway_config(self) -> Path:
        """The generated nginx.conf."""
        return self.run / "nginx.conf"

    def folders(self) -> tuple[Path, ...]:
        """Return every folder that has to exist before the first process starts."""
        names = ("orthanc", "api", "keys", "journal", "models", "audit", "log")
        return (*(self.data / name for name in names), self.run, self.temporary)

    def log_of(self, program: str) -> Path:
        """Return the log of one supervised program."""
        return self.log / f"{program}.log"


def make_folders(layout: Layout) -> None:
    """Make the data folder and its parts, readable by their owner alone."""
    layout.data.mkdir(parents=True, exist_ok=True)
    for folder in layout.folders():
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
