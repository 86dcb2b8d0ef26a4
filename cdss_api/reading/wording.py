"""Texts to begin a report with, from the files in `templates/`, and the site's codes for conclusions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from neuronova.contract.text import folded

FOLDER = Path(__file__).with_name("templates")
CODES = "codes.toml"
PLACEHOLDERS = ("patient_name", "patient_id", "birth_date", "sex", "indication", "study_date", "description")
_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """One text; without modalities or body parts it fits any."""

    name: str
    title: str
    language: str
    modalities: Sequence[str]
    body_parts: Sequence[str]
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """One coded conclusion of the site."""

    system: str
    code: str
    display: str


@cache
def templates(folder: Path = FOLDER) -> tuple[Template, ...]:
    """Return the templates in the order of their names.

    Raises:
        ValueError: a file has a placeholder that nothing fills.
    """
    found = []
    for file in sorted(folder.glob("*.toml")):
        if file.name == CODES:
            continue
        template = Template(name=file.stem, **tomllib.loads(file.read_text(encoding="utf-8")))
        unknown = set(_PLACE.findall(template.text)) - set(PLACEHOLDERS)
        if unknown:
            raise ValueError(f"{file.name}: nothing fills {', '.join(sorted(unknown))}")
        found.append(template)
    return tuple(found)


@cache
def codes(folder: Path = FOLDER) -> tuple[Code, ...]:
    """Return the site's codes for conclusions in the order of their file."""
    table = tomllib.loads((folder / CODES).read_text(encoding="utf-8"))
    return tuple(Code(system=table["system"], **one) for one in table["code"])


def fitting(modalities: Iterable[str], words: str, found: Iterable[Template]) -> list[Template]:
    """Return the templates of a study's modalities, those of its body part first, as `words` name it."""
    modalities, text = set(modalities), folded(words)
    usable = [one for one in found if not one.modalities or modalities & set(one.modalities)]

    def place(one: Template) -> tuple[bool, bool]:
        named = any(folded(part) in text for part in one.body_parts)
        return not named, bool(one.body_parts) and not named

    return sorted(usable, key=place)


def filled(template: Template, values: Mapping[str, str]) -> dict[str, Any]:
    """Return a template with its placeholders filled; what is not known stays empty."""
    text = _PLACE.sub(lambda place: values.get(place[1], ""), template.text)
    return {name: value for name, value in asdict(template).items() if name in ("name", "title", "language")} | {
        "text": text
    }
