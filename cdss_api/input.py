"""What a request's path, query, form or body is read into."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import BaseModel


class Input(BaseModel):
    """A model whose JSON schema is worked out once: flask-openapi3 asks for it at each request."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the schema, a copy that the caller may change."""
        return deepcopy(cls._schema(*args, **kwargs))

    @classmethod
    @cache
    def _schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return super().model_json_schema(*args, **kwargs)
