"""Each process of a part has a journal of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cdss_api.audit.journals import open_free_journal
from neuronova.audit.files import JournalFailed
from neuronova.contract.settings import read_settings
from tests.audit.events import event


def test_who_comes_takes_the_first_that_nobody_writes(tmp_path: Path) -> None:
    settings = read_settings({"NEURONOVA_DATA": str(tmp_path)})
    first, second = (open_free_journal(settings, "api") for _ in range(2))
    assert (first.writer, second.writer) == ("api", "api-2")
    assert (first.append(event()), second.append(event())) == ([1], [1])
    first.close()
    again, third = (open_free_journal(settings, "api") for _ in range(2))
    assert (again.writer, third.writer) == ("api", "api-3")
    assert again.append(event()) == [2]
    for journal in (second, again, third):
        journal.close()


def test_a_journal_that_is_free_and_bad_is_not_passed_over(tmp_path: Path) -> None:
    settings = read_settings({"NEURONOVA_DATA": str(tmp_path)})
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "api.db").write_bytes(os.urandom(4096))
    with pytest.raises(JournalFailed, match="cannot open"):
        open_free_journal(settings, "api")
