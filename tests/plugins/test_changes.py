"""What is gone is told to be gone; what cannot be known now is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orthanc_plugins.changes.consumer import get


class OrthancError(Exception):
    """As the Python plugin raises it: Orthanc's error code, and what it says."""


def orthanc(code: int | None) -> Any:
    def answer(_path: str) -> bytes:
        if code is not None:
            raise OrthancError(code, "what it says")
        return b'{"ID": "a"}'

    return SimpleNamespace(RestApiGet=answer, OrthancException=OrthancError)


@pytest.mark.parametrize(("code", "expected"), [(None, {"ID": "a"}), (17, None), (7, None)])
def test_what_is_gone_is_none(code: int | None, expected: Any) -> None:
    assert get(orthanc(code), "/studies/a") == expected


@pytest.mark.parametrize("code", [1, 8, 11, 36])  # a plugin's error, a network's, a database's, that it is away
def test_a_database_that_is_away_is_no_deletion(code: int) -> None:
    with pytest.raises(OrthancError):
        get(orthanc(code), "/studies/a")
