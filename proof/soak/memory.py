"""The memory of the platform's parts over time, and by how much it grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import theilslopes

from proof.parts import MODELS, PARTS

MIB = 1 << 20
WARM_UP = 1 / 3  # of a run, which is not looked at
SHARE, LEAST = 0.1, 16 * MIB  # a part may grow by as much of its size, or by so many bytes


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


def growths(samples: Sequence[tuple[float, Mapping[str, float]]]) -> list[Growth]:
    """Return the growth of each part from samples with their times in seconds, without the warm-up."""
    first, last = samples[0][0], samples[-1][0]
    warm = [one for one in samples if one[0] - first >= WARM_UP * (last - first)]
    parts = [part for part in PARTS if part != MODELS and any(part in some for _, some in warm)]
    return [_growth(part, warm) for part in parts]


def _growth(part: str, warm: Sequence[tuple[float, Mapping[str, float]]]) -> Growth:
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
