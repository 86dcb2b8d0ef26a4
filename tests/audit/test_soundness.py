"""What the keeper's own verification finds, kept for whoever watches."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuronova.audit.checkpoints import make_checkpoint
from neuronova.audit.signing import signer_of
from neuronova.audit.soundness import Soundness, read_soundness, verify_now
from neuronova.audit.trail import Trail
from tests.audit.events import NOON, filled, unguarded


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    trail = Trail(tmp_path)
    trail.folder.mkdir()
    for writer in ("api", "orthanc"):
        filled(trail.journal(writer), writer, 10)
    make_checkpoint(trail.journals(), trail.checkpoints, signer_of(trail.keys), NOON)
    return trail


def test_a_sound_trail_is_told_as_sound(trail: Trail) -> None:
    assert read_soundness(trail) is None
    found = verify_now(trail, lambda: NOON + 5)
    assert found == read_soundness(trail) == Soundness(time=NOON + 5, records=20, faulty=0)
    assert found.sound


def test_a_changed_record_is_told_and_logged(trail: Trail, caplog: pytest.LogCaptureFixture) -> None:
    db = unguarded(trail.journal("orthanc"))
    db.execute("UPDATE record SET event = replace(event, 'doctor', 'nurse') WHERE sequence = 4")
    db.close()
    found = verify_now(trail, lambda: NOON)
    assert not found.sound
    assert read_soundness(trail) == found
    assert "the audit trail is not sound: orthanc: " in caplog.text


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"time": "x", "records": 1, "faulty": 0}'])
def test_a_damaged_file_counts_as_none(trail: Trail, content: str) -> None:
    verify_now(trail)
    (trail.folder / "verified.json").write_text(content)
    assert read_soundness(trail) is None
