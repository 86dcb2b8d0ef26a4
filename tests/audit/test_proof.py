"""Proofs of presence: the record, the way to a checkpoint, and nothing of other records."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neuronova.audit.checkpoints import make_checkpoint
from neuronova.audit.journal import AuditJournal
from neuronova.audit.proof import NoProof, check_proof, prove
from neuronova.audit.signing import Keys, signer_of
from neuronova.audit.trail import Trail
from tests.audit.events import NOON, event


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Trail:
    trail = Trail(tmp_path_factory.mktemp("data"))
    journal = AuditJournal(trail.journal("api"), "api")
    for number in range(1, 21):
        journal.append(event(number, patient_id=f"PATIENT-{number}"))
        if number in (8, 16):
            make_checkpoint(trail.journals(), trail.checkpoints, signer_of(trail.keys), NOON + number)
    journal.close()
    return trail


@pytest.fixture(scope="module")
def keys(trail: Trail) -> Keys:
    return signer_of(trail.keys).keys


@pytest.mark.parametrize(("sequence", "steps"), [(1, 7), (8, 0), (9, 7), (16, 0)])
def test_a_proof_goes_as_far_as_the_next_checkpoint(trail: Trail, keys: Keys, sequence: int, steps: int) -> None:
    proof = json.loads(json.dumps(prove(trail, "api", sequence, keys)))
    assert len(proof["following"]) == steps
    assert check_proof(proof, keys).event == event(sequence, patient_id=f"PATIENT-{sequence}")
    assert json.dumps(proof).count("PATIENT-") == 1


@pytest.mark.parametrize(
    ("writer", "sequence", "said"),
    [
        ("api", 17, "after the last checkpoint"),
        ("api", 21, "no record"),
        ("api", 0, "no record"),
        ("x", 1, "no journal"),
    ],
)
def test_what_cannot_be_proven_says_why(trail: Trail, keys: Keys, writer: str, sequence: int, said: str) -> None:
    with pytest.raises(NoProof, match=said):
        prove(trail, writer, sequence, keys)


@pytest.mark.parametrize(
    "falsify",
    [
        lambda proof: proof["record"]["event"].update(patient_id="PATIENT-X"),
        lambda proof: proof["record"].update(sequence=4),
        lambda proof: proof["record"].update(previous="0" * 64),
        lambda proof: proof["record"].update(writer="orthanc"),
        lambda proof: proof["following"].pop(),
        lambda proof: proof["following"].reverse(),
        lambda proof: proof["checkpoint"].update(number=5),
        lambda proof: proof["checkpoint"].pop("signature"),
        lambda proof: proof.pop("record"),
        lambda proof: proof.update(format=2),
    ],
)
def test_a_falsified_proof_proves_nothing(trail: Trail, keys: Keys, falsify: Callable[[Any], object]) -> None:
    proof = copy.deepcopy(prove(trail, "api", 3, keys))
    falsify(proof)
    with pytest.raises(NoProof):
        check_proof(proof, keys)


def test_another_key_proves_nothing(trail: Trail, keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(NoProof, match="known key"):
        check_proof(prove(trail, "api", 3, keys), signer_of(tmp_path).keys)
