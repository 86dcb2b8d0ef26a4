"""Whether every text of the console has its translation, and nothing is shown that has none."""

from __future__ import annotations

import re
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from cdss_api.accounts.languages import Language
from cdss_api.console import STATIC
from cdss_api.console.languages import CATALOGS, script_texts
from neuronova.platform.layout import REPOSITORY
from tests.patience import PATIENCE

TEMPLATES = STATIC.with_name("templates")
KOREAN = CATALOGS / "ko" / "LC_MESSAGES" / "messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)s")
IN_SCRIPT = re.compile(r"(?<![\w$])_\(\s*(['\"])((?:\\.|(?!\1).)*)\1", re.DOTALL)
NAMES = {"NeuroNova", "HTJ2K", "95 %", "j", "k", "n", "Enter"}  # the same in every language
NAMES |= {"CR", "CT", "DX", "MG", "MR", "NM", "PT", "RF", "US", "XA"}
NAMES |= {"StudyInstanceUID"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What pages, scripts and the API's problems say now."""
    file = tmp_path_factory.mktemp("texts") / "messages.pot"
    subprocess.run(["make", "-s", "texts", f"POT={file}"], cwd=REPOSITORY, check=True, timeout=PATIENCE)
    return catalog(file)


def catalog(file: Path) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened)


def texts(found: Catalog) -> set[str]:
    return {str(one.id) for one in found if one.id}


def test_every_text_is_translated(written: Catalog) -> None:
    korean = catalog(KOREAN)
    assert texts(korean) == texts(written), "`make translations` brings the catalog up to the texts"
    assert [one.id for one in korean if one.id and not one.string] == []
    assert [one.id for one in korean if one.id and one.fuzzy] == []
    assert not korean.obsolete


def test_placeholders_are_those_of_the_text() -> None:
    for one in catalog(KOREAN):
        assert set(PLACEHOLDER.findall(str(one.id))) == set(PLACEHOLDER.findall(str(one.string))), one.id


def test_what_is_loaded_was_made_from_the_catalog() -> None:
    made = BytesIO()
    write_mo(made, catalog(KOREAN))
    assert KOREAN.with_suffix(".mo").read_bytes() == made.getvalue(), "`make translations` makes it"


@pytest.mark.parametrize("script", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_scripts_are_given_what_they_say(script: Path) -> None:
    # Read by another way than the extraction, which could pass over what it does not understand.
    said = {text.replace("\\'", "'") for _quote, text in IN_SCRIPT.findall(script.read_text())}
    assert said - script_texts(Language.KOREAN).keys() == set()


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_templates_say_nothing_past_the_catalog(template: Path) -> None:
    markup = re.sub(r"\{% block (width|needs) %\}.*?\{% endblock %\}", "", template.read_text())
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", markup, flags=re.DOTALL)
    shown = re.findall(r">([^<>]+)<", f">{bare}<") + re.findall(r'(?:aria-label|placeholder|title|alt)="([^"]+)"', bare)
    said = {" ".join(text.split()).strip(" ·") for text in shown}
    assert {text for text in said if re.search(r"[A-Za-z]", text) and "doctype" not in text} - NAMES == set()
