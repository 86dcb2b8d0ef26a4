"""How names and other texts are compared: without regard to case and accents."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """Return a text without case and accents; a Korean syllable stays one character."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", "".join(one for one in apart if unicodedata.category(one) != "Mn"))


def marked(text: str) -> str:
    """Return `text`, which a page shows in its reader's language: the mark by which it is found for the catalogs."""
    return text
