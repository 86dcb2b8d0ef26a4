"""HL7's own validator judges what we hold for good: one run over the good resources of every type."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fhir.referee import judged
from tests.fhir.resources import everything
from tests.imaging.emitted import emitted


@pytest.mark.timeout(400)
def test_the_referee_finds_no_error(tmp_path: Path) -> None:
    ours = [*everything(), *emitted()]
    assert judged(tmp_path, ours) == {f"{document['id']}.json": [] for document in ours}
