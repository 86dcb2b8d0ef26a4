"""Scopes as they are written, and what they allow."""

from __future__ import annotations

import pytest

from neuronova.contract.scopes import Context, Interaction, OddScope, allows, parse_scopes, within, written

READ_AS = [
    ("system/Patient.read", "system/Patient.rs"),
    ("user/*.write", "user/*.cud"),
    ("patient/*.*", "patient/*.cruds"),
    ("system/Observation.cruds", "system/Observation.cruds"),
    ("system/Patient.r system/Patient.r", "system/Patient.r"),
    ("system/Task.r system/Device.s", "system/Device.s system/Task.r"),
    ("", ""),
]
ODD = [
    "Patient.read",
    "system/Patient",
    "system/Patient.",
    "system/Patient.sr",
    "system/Patient.rr",
    "system/Patient.rx",
    "system/patient.r",
    "system/Observation.rs?category=laboratory",
    "launch",
    "openid fhirUser",
    "system/Patient.r\nx",
    "system/*.r " * 1000,
]


@pytest.mark.parametrize(("text", "means"), READ_AS)
def test_a_scope_of_either_version_is_read(text: str, means: str) -> None:
    scopes = parse_scopes(text)
    assert written(scopes) == means
    assert parse_scopes(means) == scopes


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(OddScope):
        parse_scopes(text)


def test_a_scope_allows_what_it_names_and_nothing_else() -> None:
    scopes = parse_scopes("system/Patient.r user/*.s")
    allowed = {
        (context, kind, interaction)
        for context in Context
        for kind in ("Patient", "Condition")
        for interaction in Interaction
        if allows(scopes, context, kind, interaction)
    }
    assert allowed == {
        (Context.SYSTEM, "Patient", Interaction.READ),
        (Context.USER, "Patient", Interaction.SEARCH),
        (Context.USER, "Condition", Interaction.SEARCH),
    }


WITHIN = [
    ("system/*.cruds", "system/Patient.rs", "system/Patient.rs"),
    ("system/Patient.cruds", "system/*.rs", "system/Patient.rs"),
    ("system/*.rs", "system/*.r system/Patient.s", "system/*.r system/Patient.rs"),
    ("system/Patient.d", "system/*.rs", ""),
    ("user/Patient.r", "system/*.rs", ""),
]


@pytest.mark.parametrize(("asked", "allowed", "granted"), WITHIN)
def test_what_is_granted_is_within_what_is_allowed(asked: str, allowed: str, granted: str) -> None:
    assert written(within(parse_scopes(asked), parse_scopes(allowed))) == granted
