"""The description of the service, which others write their clients by."""

from __future__ import annotations

from tests.inference.service import Inference


def test_it_is_openapi_3_1_and_says_what_may_be_answered(service: Inference) -> None:
    document = service.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1.")
    asking = document["paths"]["/api/v1/inference"]["post"]
    assert {"200", "202", "404", "409", "413", "422", "429"} <= set(asking["responses"])
    for status in ("200", "202"):
        shape = asking["responses"][status]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert {"job_key", "status", "predictions"} <= set(document["components"]["schemas"][shape]["properties"])
    for status in ("409", "413", "422"):
        assert list(asking["responses"][status]["content"]) == ["application/problem+json"]
    assert document["paths"]["/api/v1/inference/{job_key}"]["get"]
