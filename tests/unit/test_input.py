"""The schema of what a request is read into."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field
from pydantic.json_schema import GenerateJsonSchema

from cdss_api.input import Input


class StudyQuery(Input):
    """Two fields."""

    modality: str = Field(alias="Modality")
    limit: int = 10


class MoreQuery(StudyQuery):
    """And a third."""

    text: str = ""


def test_the_schema_is_each_models_own() -> None:
    assert list(StudyQuery.model_json_schema()["properties"]) == ["Modality", "limit"]
    assert list(MoreQuery.model_json_schema()["properties"]) == ["Modality", "limit", "text"]
    assert list(StudyQuery.model_json_schema(by_alias=False)["properties"]) == ["modality", "limit"]


def test_what_a_caller_does_to_it_is_not_seen_by_the_next() -> None:
    before = StudyQuery.model_json_schema()
    StudyQuery.model_json_schema()["properties"].pop("limit")
    assert StudyQuery.model_json_schema() == before


def test_it_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    class Counted(Input):
        one: int

    def generate(self: GenerateJsonSchema, *arguments: Any, **words: Any) -> dict[str, Any]:
        made.append(arguments)
        return original(self, *arguments, **words)

    original = GenerateJsonSchema.generate
    monkeypatch.setattr(GenerateJsonSchema, "generate", generate)
    for _ in range(3):
        Counted.model_json_schema()
    assert len(made) == 1
