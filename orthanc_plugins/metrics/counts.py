"""What happens in Orthanc, counted as it happens: in any of its threads, in about a microsecond."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from orthanc_plugins.access.decision import Decision
from orthanc_plugins.answer import Answer, MultipartAnswer
from orthanc_plugins.metrics.forms import form_of, type_of

_DECISION_SECONDS = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)
_ANSWER_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
MOST_SENDERS = 256  # AE titles with a series of their own; what further ones send is counted together
OTHERS = "others"
_MOST_TYPES = 64  # ways to write a media type that are remembered


class Counts:
    """The counters of one Orthanc."""

    def __init__(self) -> None:
        disable_created_metrics()  # a second series for each counter, of no use to rate()
        registry = self.registry = CollectorRegistry()
        self._instances = Counter(
            "neuronova_ingest_instances", "Instances stored, by who sent them", ["source"], registry=registry
        )
        self._bytes = Counter("neuronova_ingest_bytes", "Their bytes", ["source"], registry=registry)
        self._duplicates = Counter(
            "neuronova_ingest_duplicates",
            "Instances sent that were there already, with the same content or another",
            ["content"],
            registry=registry,
        )
        self._refused = Counter(
            "neuronova_ingest_refused",
            "Instances that a modality sent and that were not taken, by who sent them and why",
            ["source", "reason"],
            registry=registry,
        )
        self._decisions = Counter(
            "neuronova_access_decisions", "Decisions of the gate", ["outcome", "reason"], registry=registry
        )
        self._seconds = Histogram(
            "neuronova_access_decision_seconds",
            "Time of a decision, with its record in the audit journal",
            buckets=_DECISION_SECONDS,
            registry=registry,
        )
        self._frames = Counter(
            "neuronova_frames_served",
            "Frames served, by the media type and transfer syntax that were negotiated",
            ["media_type", "transfer_syntax"],
            registry=registry,
        )
        self._frame_bytes = Counter("neuronova_frames_bytes", "Bytes of answers with frames", registry=registry)
        self._answers = Histogram(
            "neuronova_dicomweb_seconds",
            "Time from a DICOMweb request's decision to its answer's end",
            ["what", "status"],
            buckets=_ANSWER_SECONDS,
            registry=registry,
        )
        # To look a series up costs more than to add to it.
        self._by_decision: dict[Decision, Any] = {}
        self._senders: set[str] = set()
        self._by_sender: dict[str, tuple[Any, Any]] = {}
        self._by_answer: dict[tuple[str, int], Any] = {}
        self._by_type: dict[bytes, Any] = {}

    def decided(self, decision: Decision, seconds: float) -> None:
        """Count a decision of the gate."""
        series = self._by_decision.get(decision)
        if series is None:
            outcome = "allowed" if decision.allowed else "refused"
            series = self._by_decision[decision] = self._decisions.labels(outcome, decision.reason.value)
        series.inc()
        self._seconds.observe(seconds)

    def received(self, source: str, size: int) -> None:
        """Count an instance of `size` bytes that was stored; `source` is an AE title, or how it came."""
        known = self._by_sender.get(source)
        if known is None:
            name = self._named(source)
            known = self._by_sender[name] = (self._instances.labels(name), self._bytes.labels(name))
        instances, size_of_all = known
        instances.inc()
        size_of_all.inc(size)

    def _named(self, source: str) -> str:
        if len(self._senders) < MOST_SENDERS:
            self._senders.add(source)
        return source if source in self._senders else OTHERS

    def refused(self, source: str, reason: str) -> None:
        """Count an instance that was not taken from an AE title."""
        self._refused.labels(self._named(source), reason).inc()

    def sent_again(self, same: bool) -> None:
        """Count an instance that a modality sent though it was there already."""
        self._duplicates.labels("same" if same else "other").inc()

    def answered(self, what: str, status: int, seconds: float) -> None:
        """Count an answer; `what` is one of `forms.what_of`'s."""
        key = (what, status // 100)
        series = self._by_answer.get(key)
        if series is None:
            series = self._by_answer[key] = self._answers.labels(what, f"{key[1]}xx")
        series.observe(seconds)

    def served(self, answer: Answer | MultipartAnswer, frames: int) -> None:
        """Count `frames` frames that an answer holds, unless it is an error."""
        if isinstance(answer, MultipartAnswer) or answer.status != 200:
            return
        written = type_of(answer)
        series = self._by_type.get(written)
        if series is None:
            series = self._frames.labels(*form_of(written))
            if len(self._by_type) < _MOST_TYPES:
                self._by_type[written] = series
        series.inc(frames)
        self._frame_bytes.inc(len(answer.body))
