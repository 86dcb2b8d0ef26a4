"""In which language a page is: what its reader chose, or else what the browser asks for."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from flask import Flask, request
from flask_babel import Babel

from cdss_api.accounts.languages import LANGUAGE_COOKIE, Language

CATALOGS = Path(__file__).parents[1] / "translations"
NAMES = {Language.ENGLISH: "English", Language.KOREAN: "한국어"}


def install(app: Flask) -> None:
    """Have templates translated, and told which language they are in."""
    Babel(app, default_translation_directories=str(CATALOGS), locale_selector=language)
    app.context_processor(lambda: {"language": language(), "languages": NAMES})


def language() -> str:
    """Return the language of the page that is asked for; English where the browser reads neither."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in tuple(Language):
        return chosen
    wanted = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())  # the most wanted first
    return next((Language(tag) for tag in wanted if tag in tuple(Language)), Language.ENGLISH)


@cache
def script_texts(language: Language) -> dict[str, str]:
    """Return what scripts show, with its translation; templates bring theirs along. English is the texts themselves."""
    file = CATALOGS / language / "LC_MESSAGES" / "messages.po"
    if language is Language.ENGLISH:
        return {}
    with file.open("rb") as catalog:
        found = read_po(catalog, locale=str(language))
    return {
        str(one.id): str(one.string)
        for one in found
        if one.id and any(not name.endswith(".html") for name, _line in one.locations)
    }
