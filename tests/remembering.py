"""What libraries work out again for each app, worked out once a process: most tests make an app of their own.

That is nine tenths of what the making takes: the JSON Schemas of models that stay as they are, and the functions that
build the addresses of routes, which depend on nothing but the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import flask_openapi3.openapi
import flask_openapi3.utils
import pytest
from werkzeug.routing import Rule

_work_out_schema = cache(flask_openapi3.utils.get_model_schema)
_compile = Rule._compile_builder
_builders: dict[Any, Callable[..., tuple[str, str]]] = {}


def _schema(model: Any, mode: Any = "validation") -> dict[str, Any]:
    return deepcopy(_work_out_schema(model, mode))


def _builder(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    assert rule.map is not None
    if rule.defaults:  # a default is written as its converter does
        return _compile(rule, append_unknown)
    key = (rule.rule, tuple(rule._trace), tuple(sorted(rule.arguments)), rule.map.host_matching, append_unknown)
    if key not in _builders:
        _builders[key] = _compile(rule, append_unknown)
    return _builders[key]


@pytest.fixture(scope="session", autouse=True)
def remembering() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flask_openapi3.utils, "get_model_schema", _schema)
        patch.setattr(flask_openapi3.openapi, "get_model_schema", _schema)
        patch.setattr(Rule, "_compile_builder", _builder)
        yield
