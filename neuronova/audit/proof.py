"""Proving that a record is in the trail: the way from its hash to a signed checkpoint, without showing other records.

A proof holds the record, the digests of the events behind it as far as the next checkpoint, and that checkpoint. Who
trusts the public key computes the chain and compares.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from neuronova.audit.checkpoints import checkpoint_bytes, read_checkpoints, tip_of
from neuronova.audit.reading import Reader
from neuronova.audit.signing import BadDocument, Keys, verified
from neuronova.audit.trail import Trail
from neuronova.contract.audit import Record, chained, digest, event_bytes, record_from_json, record_to_json

FORMAT = 1


class NoProof(Exception):
    """A record cannot be proven, or a proof does not prove it; the message says why."""


def prove(trail: Trail, writer: str, sequence: int, keys: Keys) -> dict[str, Any]:
    """Return the proof of a record, as JSON."""
    path = trail.journal(writer)
    if not path.is_file():
        raise NoProof(f"there is no journal of {writer}")
    checkpoints = read_checkpoints(trail.checkpoints, keys).valid
    with Reader(path) as reader:
        ends = [(tip.sequence, point.number) for point in checkpoints for tip in point.tips if _is(tip, reader)]
        end, number = min((end for end in ends if end[0] >= sequence), default=(0, 0))
        entries = list(reader.entries(sequence - 1, max(end, sequence)))
        if not entries or entries[0].sequence != sequence:
            raise NoProof(f"{writer} has no record {sequence}")
        if not end:
            raise NoProof(f"record {sequence} lies after the last checkpoint; run `neuronova audit checkpoint` first")
        record = reader.record(entries[0])
    proof = {
        "format": FORMAT,
        "record": record_to_json(record),
        "following": [digest(entry.event.encode()) for entry in entries[1:]],
        "checkpoint": json.loads(checkpoint_bytes(trail.checkpoints, number)),
    }
    check_proof(proof, keys)
    return proof


def check_proof(proof: Mapping[str, Any], keys: Keys) -> Record:
    """Return the record that is proven.

    Raises:
        NoProof: none is.
    """
    try:
        if proof["format"] != FORMAT:
            raise NoProof(f"the proof has format {proof['format']}; this program reads format {FORMAT}")
        record = record_from_json(proof["record"])
        checkpoint = verified(proof["checkpoint"], keys)
        tip = tip_of(checkpoint, record.writer)
        its_hash = chained(record.writer, record.sequence, record.previous, digest(event_bytes(record.event)))
        for number, following in enumerate(proof["following"], record.sequence + 1):
            its_hash = chained(record.writer, number, its_hash, following)
        reached = record.sequence + len(proof["following"])
    except BadDocument as error:
        raise NoProof(f"the checkpoint does not count: {error}") from None
    except (KeyError, TypeError, ValueError) as odd:
        raise NoProof(f"this is no proof: {odd!r}") from odd
    if tip is None or (tip.sequence, tip.hash) != (reached, its_hash):
        raise NoProof("the record is not one that the checkpoint was made of")
    return record


def _is(tip: Any, reader: Reader) -> bool:
    return (tip.writer, tip.journal) == (reader.writer, reader.id)


def public_text(keys: Keys) -> str:
    """Return the public keys in one line each, to write down."""
    return "\n".join(f"{name} {base64.b64encode(key.public_bytes_raw()).decode()}" for name, key in keys.items())
