"""Several messages of one kind in one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def read_batch(value: Any, name: str, *, format: int, most: int, read: Callable[[Any], T]) -> tuple[T, ...]:
    """Return the messages below `name` in the JSON value of a request, each as `read` returns it.

    Raises:
        ValueError: it is of another format, odd, or has more than `most`.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get(name), list):
        raise ValueError(f"no object with `{name}`")
    if value.get("format") != format:
        raise ValueError(f"{name} of format {value.get('format')}; this program reads format {format}")
    if len(value[name]) > most:
        raise ValueError(f"more than {most} {name}")
    return tuple(read(one) for one in value[name])
