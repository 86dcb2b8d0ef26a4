"""HL7's own validator judges what we hold for good: one run over the good resources of every type."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fhir.referee import judged
from tests.fhir.resources import everything


@pytest.mark.timeout(400)
def test_the_referee_finds_no_error(tmp_path: Path) -> None:
    assert judged(tmp_path, everything()) == {f"{document['id']}.json": [] for document in everything()}
