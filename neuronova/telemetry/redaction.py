"""Keeps out of log lines what does not belong there. Nothing of it is logged on purpose: this is the second line.

What others say (an error's text, a target's answer, a path that somebody made up) can hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from neuronova.contract.settings import PREFIX, SECRETS

LONGEST = 20_000  # characters of a line, and of what is looked through each time
_SHORTEST = 6  # characters of a secret that is looked for by itself: a shorter one would be found in other words
_RULES = (
    (re.compile(r"(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*"), "[token]"),  # JWT, RFC 7519
    (re.compile(r"(?i)\b(Bearer|Basic|Digest)\s+[\w.~+/=-]{6,}"), r"\1 [secret]"),
    (re.compile(r"(?<=://)[^\s/@\"']+@"), "[secret]@"),
    (
        re.compile(
            r"(?i)((?:password|passwd|secret|token|authorization|cookie|api[_-]?key|otp|assertion)[\w-]{0,40}"
            r"[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&\"')\]}]+)"
        ),
        r"\1[secret]",
    ),
    (re.compile(r"\?[^\s\"'<>|?]*[=&][^\s\"'<>|]*"), "?[query]"),
    # FHIR names and DICOM's (PN, PS3.5 6.2.1): components are parted by ^, groups by =
    (
        re.compile(r"(?i)([\"'](?:family|given|patient_?name|birth_?date)[\"']\s*:\s*)(\[[^\]]*\]|\"[^\"]*\"|'[^']*')"),
        r"\1[name]",
    ),
    (re.compile(r"[^\s\"'<>(){}\[\],;:=^]{0,64}\^[^\"'<>(){}\[\],;:\n]*"), "[name]"),
)


class Redaction:
    """Takes out of texts the secrets that it is given, and whatever has the form of a credential, query or name."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({one for one in secrets if len(one) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """Return the text without them, and without what is beyond the longest."""
        text = text[:LONGEST]
        if self._known is not None:
            text = self._known.sub("[secret]", text)
        for pattern, instead in _RULES:
            text = pattern.sub(instead, text)
        return text


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """Return the secrets that this process was given by its settings."""
    return [environment[name] for name in (PREFIX + secret for secret in SECRETS) if environment.get(name)]
