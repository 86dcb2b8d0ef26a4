"""The languages that pages are in, and where the choice of one is kept."""

from __future__ import annotations

from enum import StrEnum

LANGUAGE_COOKIE = "neuronova_language"


class Language(StrEnum):
    """A language (RFC 5646)."""

    ENGLISH = "en"
    KOREAN = "ko"
