"""Issuers of PatientIDs as identifier systems and back."""

from __future__ import annotations

import pytest

from neuronova.contract.issuer import issuer_of, spellings, system_of

PAIRS = [
    ("none", "", "urn:neuronova:patient-id"),
    ("space", "HOSPITAL A", "urn:neuronova:issuer:HOSPITAL%20A"),
    ("word", "HOSPITAL", "urn:neuronova:issuer:HOSPITAL"),
    ("unreserved", "a-b.c_d~e", "urn:neuronova:issuer:a-b.c_d~e"),
    ("reserved", "a/b?c#d&e=f", "urn:neuronova:issuer:a%2Fb%3Fc%23d%26e%3Df"),
    ("percent", "50%25", "urn:neuronova:issuer:50%2525"),
    ("korean", "병원", "urn:neuronova:issuer:%EB%B3%91%EC%9B%90"),
    ("oid-alone", "1.2.410.1", "urn:neuronova:issuer:1.2.410.1"),
    ("caret-of-hl7", "ADT&1.2.3&ISO", "urn:neuronova:issuer:ADT%261.2.3%26ISO"),
    ("urn-oid", "urn:oid:1.2.410.1", "urn:oid:1.2.410.1"),
    ("no-oid", "urn:oid:hospital", "urn:neuronova:issuer:urn%3Aoid%3Ahospital"),
    ("leading-zero", "urn:oid:1.02", "urn:neuronova:issuer:urn%3Aoid%3A1.02"),
    ("urn-uuid", "urn:uuid:5b0d6f0c-2d0e-4f6b-9a55-1f4f1b1a7f5e", "urn:uuid:5b0d6f0c-2d0e-4f6b-9a55-1f4f1b1a7f5e"),
    ("no-uuid", "urn:uuid:1", "urn:neuronova:issuer:urn%3Auuid%3A1"),
    ("address", "https://hospital.example/ids?a=b%20c", "https://hospital.example/ids?a=b%20c"),
    (
        "address-with-space",
        "https://hospital.example/a b",
        "urn:neuronova:issuer:https%3A%2F%2Fhospital.example%2Fa%20b",
    ),
    ("half-encoded", "https://a/%2", "urn:neuronova:issuer:https%3A%2F%2Fa%2F%252"),
    ("scheme-alone", "HOSPITAL:", "urn:neuronova:issuer:HOSPITAL%3A"),
    ("looks-like-none", "urn:neuronova:patient-id", "urn:neuronova:issuer:urn%3Aneuronova%3Apatient-id"),
    ("looks-like-ours", "urn:neuronova:issuer:A", "urn:neuronova:issuer:urn%3Aneuronova%3Aissuer%3AA"),
]


@pytest.mark.parametrize(("issuer", "system"), [row[1:] for row in PAIRS], ids=[row[0] for row in PAIRS])
def test_both_directions(issuer: str, system: str) -> None:
    assert system_of(issuer) == system
    assert issuer_of(system) == issuer


def test_no_two_issuers_have_one_system() -> None:
    assert len({system for _, _, system in PAIRS}) == len(PAIRS)


READ = [
    ("unencoded", "HOSPITAL A", "HOSPITAL A"),
    ("small-hex", "urn:neuronova:issuer:a%2fb", "a/b"),
    ("more-encoded-than-needed", "urn:neuronova:issuer:%48OSPITAL", "HOSPITAL"),
    ("empty", "urn:neuronova:issuer:", "urn:neuronova:issuer:"),
    ("no-utf-8", "urn:neuronova:issuer:%FF", "urn:neuronova:issuer:%FF"),
    ("not-encoded", "urn:neuronova:issuer:a b", "urn:neuronova:issuer:a b"),
]


@pytest.mark.parametrize(("system", "issuer"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_what_others_wrote_is_read(system: str, issuer: str) -> None:
    assert issuer_of(system) == issuer


def test_both_spellings_are_one() -> None:
    both = {"HOSPITAL A", "urn:neuronova:issuer:HOSPITAL%20A"}
    assert spellings("HOSPITAL A") == spellings("urn:neuronova:issuer:HOSPITAL%20A") == both
    assert spellings("urn:neuronova:patient-id") == {"urn:neuronova:patient-id"}
    assert spellings("urn:oid:1.2") == {"urn:oid:1.2"}
