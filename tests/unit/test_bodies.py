"""Bodies of the API's description: each by a name of its own, for one name is one component of OpenAPI."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator

from pydantic import BaseModel

import cdss_api


def test_no_two_bodies_have_one_name() -> None:
    for found in pkgutil.walk_packages(cdss_api.__path__, "cdss_api."):
        if not found.name.startswith(("cdss_api.migrations", "cdss_api.wsgi", "cdss_api.celery_app")) and not (
            found.name.endswith((".asgi", "__main__"))
        ):
            importlib.import_module(found.name)
    bodies = (one for one in _below(BaseModel) if one.__module__.startswith("cdss_api."))
    # Of paths and queries the description has each member by itself.
    names = Counter(one.__name__ for one in bodies if not one.__name__.endswith(("Path", "Query")))
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []


def _below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)
