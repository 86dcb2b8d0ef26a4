"""How many messages are claimed at a time: about as many as their target takes in a second."""

from __future__ import annotations

FIRST = 50
MOST = 500
_QUICK, _SLOW = 0.5, 2.0  # seconds for a batch


def next_size(size: int, begun: int, seconds: float, most: int) -> int:
    """Return the size of the next batch after one of `size`, of which so many messages were begun in so many seconds.

    A large batch costs fewer transactions a message. With a target that answers slowly it would keep what it has
    claimed from other workers, and from being seen to by anyone should this one die.
    """
    if seconds > _SLOW:
        return max(size // 2, 1)
    if begun >= size and seconds < _QUICK:
        return min(size * 2, most)
    return min(size, most)
