"""The memory of the platform's parts over time, and by how much it grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import theilslopes

MIB = 1 << 20
PARTS = {
    "orthanc": "orthanc.json",
    "encode workers": "orthanc_plugins.workers.encode",
    "lane workers": "orthanc_plugins.workers.lane",
    "api": "cdss_api.wsgi",
    "worker": "cdss_api.worker",
    "notifications": "notifications.asgi",
    "audit keeper": "neuronova.audit.keeper",
    "inference": "inference.wsgi",
    "models": "inference.child",
    "gateway": "nginx",
    "supervisor": "supervisor.supervisord",
}
WARM_UP = 1 / 3  # of a run, which is not looked at
SHARE, LEAST = 0.1, 16 * MIB  # a part may grow by as much of its size, or by so many bytes
SHORT_LIVED = ("models",)  # a process for each job: what is of one moment says nothing of the next


@dataclass(frozen=True, slots=True)
class Growth:
    """One part: bytes when it was warm and at the end by its slope, and how many bytes it may grow."""

    part: str
    begins: float
    grows: float  # over what was looked at, by the Theil-Sen slope
    seconds: float
    may_grow: float

    @property
    def holds(self) -> bool:
        """Tell whether it grew no more than it may."""
        return self.grows <= self.may_grow

    @property
    def an_hour(self) -> float:
        """Return the slope in bytes an hour."""
        return 3600 * self.grows / self.seconds if self.seconds else 0.0


def sampled(commands: Mapping[int, str]) -> dict[str, int]:
    """Return the anonymous memory of each part in bytes; files that are mapped belong to the machine's cache."""
    found: dict[str, int] = {}
    for pid, command in commands.items():
        part = next((name for name, title in PARTS.items() if title in command), None)
        if part is not None:
            found[part] = found.get(part, 0) + _anonymous(pid)
    return found


def growths(samples: Sequence[tuple[float, Mapping[str, int]]]) -> list[Growth]:
    """Return the growth of each part from samples with their times in seconds, without the warm-up."""
    first, last = samples[0][0], samples[-1][0]
    warm = [one for one in samples if one[0] - first >= WARM_UP * (last - first)]
    return [_growth(part, warm) for part in PARTS if part not in SHORT_LIVED and any(part in some for _, some in warm)]


def _growth(part: str, warm: Sequence[tuple[float, Mapping[str, int]]]) -> Growth:
    times, sizes = zip(*((at, some[part]) for at, some in warm if part in some), strict=True)
    slope, begins = theilslopes(sizes, [at - times[0] for at in times])[:2] if len(times) > 1 else (0.0, sizes[0])
    seconds = times[-1] - times[0]
    return Growth(part, float(begins), float(slope) * seconds, seconds, max(SHARE * float(begins), LEAST))


def table(found: Iterable[Growth]) -> str:
    """Return the parts as Markdown."""
    lines = ["| part | MiB when warm | growth, MiB | MiB an hour | may grow, MiB | |", "|---|---:|---:|---:|---:|---|"]
    lines += [
        f"| {one.part} | {one.begins / MIB:.0f} | {one.grows / MIB:+.1f} | {one.an_hour / MIB:+.0f} |"
        f" {one.may_grow / MIB:.0f} | {'flat' if one.holds else '**grows**'} |"
        for one in found
    ]
    return "\n".join(lines)


def _anonymous(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0)
