"""What the plugin counts: labels out of few values, nothing lost between threads, the archive read seldom."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from neuronova.contract.audit import Action
from orthanc_plugins.access.decision import Decision, Reason
from orthanc_plugins.answer import Answer
from orthanc_plugins.dicomweb.multipart import multipart_answer
from orthanc_plugins.journal import Journal, Outcome
from orthanc_plugins.metrics.counts import MOST_SENDERS, OTHERS, Counts
from orthanc_plugins.metrics.figures import Outcomes
from orthanc_plugins.metrics.forms import form_of, type_of, what_of

LOSSLESS = "1.2.840.10008.1.2.4.202"
THREADS, TIMES = 8, 2000


def samples(counts: Counts) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(generate_latest(counts.registry).decode())
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        (Answer(b"", f"image/jphc; transfer-syntax={LOSSLESS}"), ("image/jphc", LOSSLESS)),
        (Answer(b"", "image/jphc"), ("image/jphc", "")),
        (Answer(b"", "text/x-strange; transfer-syntax=1.2.3"), ("other", "other")),
        (Answer(b"", ""), ("other", "")),
        (multipart_answer("image/jphc", LOSSLESS, [("http://x/1", b"a")]), ("image/jphc", LOSSLESS)),
        (
            Answer(b"--b\r\nContent-Type:  IMAGE/JPEG;transfer-syntax=1.2.840.10008.1.2.4.50\r\n\r\n", "multipart/x"),
            ("image/jpeg", "1.2.840.10008.1.2.4.50"),
        ),
        (Answer(b"--b\r\n\r\n", "multipart/related"), ("other", "")),
        (Answer(b"", f"image/jphc; transfer-syntax={'9' * 5000}"), ("image/jphc", "other")),
    ],
    ids=["single", "without syntax", "strange", "empty", "parts", "stock", "no header", "long"],
)
def test_the_form_of_an_answer_is_one_of_few(answer: Answer, form: tuple[str, str]) -> None:
    assert form_of(type_of(answer)) == form


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("studies/1/series/2/instances/3/frames/1", "frames"),
        ("studies/1/series/2/instances/3/frames/1/rendered", "rendered"),
        ("studies/1/metadata", "metadata"),
        ("studies", "query"),
        ("", "query"),
    ],
)
def test_what_a_path_asks_for_is_one_of_few(path: str, what: str) -> None:
    assert what_of(path, Action.QUERY) == what


def test_nothing_is_lost_between_threads() -> None:
    counts = Counts()
    decisions = (Decision(True, Reason.ROLE), Decision(False, Reason.HIDDEN))

    def count(_thread: int) -> None:
        for number in range(TIMES):
            counts.decided(decisions[number % 2], 0.0001)
            counts.received("CT1", 10)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(count, range(THREADS)))
    found = samples(counts)
    assert found[("neuronova_access_decisions_total", "allowed", "role")] == THREADS * TIMES / 2
    assert found[("neuronova_access_decisions_total", "refused", "not-found")] == THREADS * TIMES / 2
    assert found[("neuronova_access_decision_seconds_count",)] == THREADS * TIMES
    assert found[("neuronova_ingest_bytes_total", "CT1")] == THREADS * TIMES * 10


def test_senders_beyond_the_most_are_counted_together() -> None:
    counts = Counts()
    for number in range(MOST_SENDERS + 5):
        counts.received(f"AET{number}", 1)
    found = samples(counts)
    assert found[("neuronova_ingest_instances_total", OTHERS)] == 5
    assert sum(key[0] == "neuronova_ingest_instances_total" for key in found) == MOST_SENDERS + 1


def test_outcomes_are_added_up_and_kept_for_a_while(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "encode.db")
    time = [100.0]
    outcomes = Outcomes(journal, lambda: time[0])
    for number, status in enumerate(("encoded", "encoded", "skipped")):
        instance = str(number)
        assert journal.take_this(instance, "w", 0.0) is not None
        journal.finish(Outcome(instance=instance, md5="m", status=status, bytes_before=10, bytes_after=4), 0.0)
    assert outcomes.by_status() == {"encoded": (2, 20, 8), "skipped": (1, 10, 4), "failed": (0, 0, 0)}
    journal.bury("0", 0.0)
    time[0] += 4.9
    assert outcomes.by_status()["encoded"] == (2, 20, 8)
    time[0] += 0.2
    assert outcomes.by_status()["encoded"] == (1, 10, 4)
    journal.close()
