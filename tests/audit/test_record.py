"""The audit record's bytes and chain."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuronova.contract.audit import (
    LIMITS,
    Action,
    Event,
    Outcome,
    canonical,
    event_bytes,
    genesis,
    link,
    read_event,
    record_from_json,
    record_to_json,
    require_writer,
)
from tests.audit.events import NOON, event

TEXTS = {name: st.text(st.characters(), max_size=limit + 5) for name, limit in LIMITS.items()}
EVENTS = st.builds(
    Event,
    time=st.floats(0, 4e9),
    action=st.sampled_from(Action),
    outcome=st.sampled_from(Outcome),
    count=st.integers(0, 10**6),
    status=st.none() | st.integers(0, 999),
    refers_to=st.none() | st.integers(1, 2**53),
    **TEXTS,
)


def test_bytes_are_canonical_and_leave_defaults_out() -> None:
    stored = event_bytes(Event(time=NOON, action=Action.LOGIN, outcome=Outcome.DENIED, subject="Müller", count=0))
    text = '{"action":"login","count":0,"outcome":"denied","subject":"Müller","time":1800000000000000}'
    assert stored.decode() == text


def test_a_records_hash_can_be_computed_by_hand() -> None:
    first = link("api", 1, genesis("api", "j"), event())
    stands = {
        "event": hashlib.sha256(event_bytes(event())).hexdigest(),
        "previous": hashlib.sha256(b'{"journal":"j","writer":"api"}').hexdigest(),
        "sequence": 1,
        "writer": "api",
    }
    assert first.hash == hashlib.sha256(canonical(stands)).hexdigest()
    assert first.previous == stands["previous"]


@given(EVENTS)
def test_any_event_is_read_as_it_was_written(one: Event) -> None:
    stored = event_bytes(one)
    read = read_event(stored)
    assert event_bytes(read) == stored
    assert abs(read.time - one.time) <= 1e-6
    assert all(len(getattr(read, name)) <= limit for name, limit in LIMITS.items())
    assert canonical(json.loads(stored)) == stored


@given(EVENTS)
def test_a_record_survives_json(one: Event) -> None:
    record = link("api", 3, "p", one)
    assert record_from_json(json.loads(json.dumps(record_to_json(record)))) == record


@pytest.mark.parametrize("name", [field.name for field in fields(Event)])
def test_every_member_counts(name: str) -> None:
    others: dict[str, Any] = {"time": NOON + 1e-6, "action": Action.STORE, "outcome": Outcome.FAILED}
    numbers = {"count": 7, "status": 7, "refers_to": 7}
    changed = event(**{name: (others | numbers).get(name, "another")})
    assert event_bytes(changed) != event_bytes(event())


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert read_event(event_bytes(event(reason="x" * 65))).reason == "x" * 63 + "…"


@pytest.mark.parametrize("stored", ["", "[]", "1", "{}", '{"action":"read","outcome":"maybe","time":1}'])
def test_what_is_no_event_is_refused(stored: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_event(stored)


@pytest.mark.parametrize("name", ["", "API", "a/b", "..", 'a"', "a" * 33, "1"])
def test_odd_writers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no writer"):
        require_writer(name)
