"""FHIR's HumanNames as one DICOM person name: alphabetic, ideographic and phonetic group (PS3.5 6.2.1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cdss_api.worklist.texts import plain

REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
LONGEST_GROUP = 64  # characters of a component group (PS3.5 6.2)
_GROUPS = {"ABC": 0, "IDE": 1, "SYL": 2}
_USES = ("official", "usual")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_HAN_OR_KANA = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_STRUCTURE = re.compile(r"[\^=\\]")


def person_name(names: Sequence[Mapping[str, Any]]) -> str:
    """Return the names as a value of VR PN.

    A name says itself in which writing it is (ISO 21090: ABC, IDE, SYL); one that does not is placed by its letters:
    Hangul is phonetic, Hanja ideographic (PS3.5 I.2). Where no Latin form is known, the one
    that is spoken stands first, because many a modality shows only the first group.
    """
    groups: list[str] = ["", "", ""]
    for name in sorted((one for one in names if one.get("use") not in ("old", "maiden", "nickname")), key=_rank):
        written = _group(name)
        place = _place(name, written)
        groups[place] = groups[place] or written
    if not groups[0]:
        groups[0] = groups[2] or groups[1]
        groups[1:] = [groups[1], groups[2]] if groups[1] and groups[2] else ["", ""]
    return "=".join(groups).rstrip("=")


def is_east_asian(text: str) -> bool:
    """Return whether a text is of Hangul, Hanja or Kana alone, which names are written in without spaces."""
    return all(_HANGUL.match(letter) or _HAN_OR_KANA.match(letter) for letter in text)


def _rank(name: Mapping[str, Any]) -> int:
    use = name.get("use")
    return _USES.index(use) if use in _USES else len(_USES)


def _group(name: Mapping[str, Any]) -> str:
    """Return family, given, middle, prefix and suffix; a name that is text alone is all family name."""
    given = [str(one) for one in name.get("given", ())]
    family = str(name.get("family", ""))
    if not family and not given:
        family = str(name.get("text", ""))
    middle = " ".join(given[1:])
    rest = (" ".join(map(str, name.get(part, ()))) for part in ("prefix", "suffix"))
    components = [_clean(part) for part in (family, "".join(given[:1]), middle, *rest)]
    return "^".join(components).rstrip("^")[:LONGEST_GROUP]


def _clean(text: str) -> str:
    return plain(_STRUCTURE.sub(" ", text), LONGEST_GROUP)


def _place(name: Mapping[str, Any], written: str) -> int:
    for extension in name.get("extension", ()):
        if extension.get("url") == REPRESENTATION and extension.get("valueCode") in _GROUPS:
            return _GROUPS[extension["valueCode"]]
    if _HANGUL.search(written):
        return 2
    return 1 if _HAN_OR_KANA.search(written) else 0
