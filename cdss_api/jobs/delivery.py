"""A job's message, delivered to the inference service in short steps: ask for the job, look how far it is, end it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import requests

from cdss_api.jobs.answers import BAD_ANSWER, Refusal, refusal, require_model, state_told
from cdss_api.jobs.masks import NotThere, folder_of
from cdss_api.jobs.models import LONGEST_RESULT, Job, KnownModel
from cdss_api.jobs.record import JobRecord, NotOurs
from cdss_api.jobs.service_client import ServiceClient
from cdss_api.jobs.states import OPEN, State
from cdss_api.jobs.tracing import context_of
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.exchange import Answer, TooLong, Undelivered
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.waits import Policy
from neuronova.contract.inference import LONGEST_DEADLINE, Model, Request, Result, SeriesInput, Status, to_json
from neuronova.contract.inference import Job as ToldJob
from neuronova.contract.priority import Priority
from neuronova.contract.reading_inference import BadMessage
from neuronova.telemetry.current import about
from neuronova.telemetry.spans import span

EVERY = 0.5  # seconds between two looks
SLACK = 30.0  # seconds beyond the model's deadline, which the service keeps itself
LONGEST_QUEUED = 3600.0  # seconds that an attempt may wait in the service's own queue
_ASKED_AT_ONCE = 3  # times that a job is asked for again at once after the service forgot it; then as a new attempt
_AGAIN = Outcome(Verdict.AGAIN, None, EVERY)
_DONE = Outcome(Verdict.OK)


class Publish(Protocol):
    """Makes a result into objects of the study; called again where nobody knows whether it was done."""

    def __call__(self, job: Job, result: Result, mask: Path | None, /) -> None:
        """Do it; what it raises makes this attempt fail."""
        ...

    def prepare(self) -> None:
        """Load what it takes to do it; there is time while the model runs."""
        ...


@dataclass(frozen=True, slots=True)
class JobDelivery:
    """Delivers messages of the target `inference` (see `delivery.Deliver`); a message is done when its job ends.

    `token` makes one for a study, `dicomweb_root` is where the service fetches it with that.
    """

    record: JobRecord
    client: Callable[[], ServiceClient]
    token: Callable[[str], str]
    dicomweb_root: str
    data: Path
    clock: Callable[[], float]
    publish: Publish | None = None
    attempts: int = Policy().attempts

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Do the next step of a job."""
        asked = json.loads(delivery.payload)
        job = self.record.read(asked["job_key"])
        if job is None:
            return Outcome(Verdict.OK, "there is no such job any more")
        client = self.client()
        try:
            with about(job=job.job_key, series=job.orthanc):
                return _Step(self, client, delivery, job, f"{job.job_key}-{asked['run']}").take(asked["run"])
        except NotOurs:
            # What became of it meanwhile is seen at the next look.
            return Outcome(Verdict.AGAIN, "it was changed meanwhile", 0.0)
        except Undelivered as refused:
            return refused.outcome
        finally:
            client.exchange.close()


@dataclass(frozen=True, slots=True)
class _Step:
    parts: JobDelivery
    client: ServiceClient
    delivery: Delivery
    job: Job
    key: str  # the service's name for this run of it

    def take(self, run: int) -> Outcome:
        if run != self.job.run or self.job.state not in OPEN:
            if run != self.job.run or self.job.state in (State.CANCELLED, State.SUPERSEDED):
                self._stop()
            return _DONE
        try:
            return self._look() if self.job.state == State.RUNNING else self._submit()
        except (BadMessage, TooLong) as odd:
            return self._end(State.FAILED_PERMANENT, Refusal(BAD_ANSWER, f"The inference service's answer: {odd}"))

    def _submit(self) -> Outcome:
        known = self._known()
        if known is None:
            missing = Refusal("unknown_model", "The inference service has no such model.")
            return self._end(State.FAILED_PERMANENT, missing)
        if not self.job.digest:
            self._name(Model(id=known.model, version=known.version, digest=known.digest))
        answer = self.client.submit(self._request(known.deadline), context_of(self.job))
        why = refusal(answer.status, answer.text)
        if why is not None and why.reason == "model_changed" and (told := self._other_model()) is not None:
            self._name(told)
            answer = self.client.submit(self._request(known.deadline), context_of(self.job))
            why = refusal(answer.status, answer.text)
        if why is not None:
            return self._end(State.FAILED_PERMANENT, why)
        if answer.status not in (200, 202):
            return self._passing(answer)
        state_told(answer.text, self.key, self.job.trace_id)
        self.parts.record.submitted(self.delivery, self.job)
        return _AGAIN

    def _look(self) -> Outcome:
        answer = self.client.state(self.key)
        why = refusal(answer.status, answer.text)
        if why is not None and answer.status == 404:
            return self._forgotten()
        if why is not None:
            return self._end(State.FAILED_PERMANENT, why)
        if answer.status != 200:
            return self._passing(answer)
        told = state_told(answer.text, self.key, self.job.trace_id)
        if not told.status.ended:
            return self._waits(told)
        if told.result is not None:
            return self._succeeded(told, told.result)
        return self._end(State(told.status.value), Refusal(told.reason or "", told.detail or ""))

    def _waits(self, told: ToldJob) -> Outcome:
        now, started = self.parts.clock(), self.job.started_at
        if told.status is Status.RUNNING and started is None:
            self.parts.record.started(self.delivery, self.job)
            if self.parts.publish is not None:
                self.parts.publish.prepare()
            return _AGAIN
        known = self.parts.record.model(self.job.model)
        deadline = LONGEST_DEADLINE if known is None else known.deadline
        late = now > started + deadline + SLACK if started is not None else now > self._submitted() + LONGEST_QUEUED
        if not late:
            return _AGAIN
        self._stop()
        return self._end(State.FAILED_TRANSIENT, Refusal("deadline", "It did not end in time."))

    def _forgotten(self) -> Outcome:
        if self.job.attempts % _ASKED_AT_ONCE:
            return self._submit()
        why = Refusal("service_restarted", "The inference service forgot the job again and again.")
        return self._end(State.FAILED_TRANSIENT, why)

    def _succeeded(self, told: ToldJob, result: Result) -> Outcome:
        require_model(told, Model(id=self.job.model, version=self.job.model_version, digest=self.job.digest))
        written = json.dumps(to_json(result))
        if len(written) > LONGEST_RESULT:
            raise BadMessage("/result", "is too large")
        mask = None
        if result.mask is not None:
            mask = folder_of(self.parts.data) / f"{self.job.job_key}.npz"
            try:
                self.client.mask(result.mask, mask)
            except NotThere as missing:
                if missing.why.reason == "unknown_job":
                    return self._forgotten()
                raise BadMessage("/result/mask", f"cannot be had ({missing.why.reason})") from None
        if self.parts.publish is not None:
            with span("result", job=self.job.job_key, model=self.job.model):
                self.parts.publish(self.job, result, mask)
        record = self.parts.record
        record.move(self.delivery, self.job, State.SUCCEEDED, result=written, seconds=result.seconds)
        return _DONE

    def _end(self, to: State, why: Refusal) -> Outcome:
        if to is State.FAILED_TRANSIENT and self.delivery.attempt < self.parts.attempts:
            self.parts.record.move(self.delivery, self.job, to, reason=why.reason, detail=why.detail)
            return Outcome(Verdict.TRANSIENT, why.reason)
        end = State.FAILED_PERMANENT if to is State.FAILED_TRANSIENT else to
        self.parts.record.move(self.delivery, self.job, end, reason=why.reason, detail=why.detail)
        return Outcome(Verdict.OK, why.reason)

    def _passing(self, answer: Answer) -> Outcome:
        meant = answer.outcome(self.parts.clock())
        # A redirection, or a success of another kind than was asked for.
        if meant.verdict in (Verdict.OK, Verdict.PERMANENT, Verdict.DUPLICATE):
            raise BadMessage("", f"came with status {answer.status}")
        return meant

    def _stop(self) -> None:
        try:
            self.client.stop(self.key)
        except (requests.RequestException, TimeoutError, Undelivered):
            # It runs to its own end there, and nobody asks for what it finds.
            return

    def _known(self) -> KnownModel | None:
        known = self.parts.record.model(self.job.model)
        if known is None:
            self.parts.record.learn(self.client.models())
            known = self.parts.record.model(self.job.model)
        return known

    def _other_model(self) -> Model | None:
        told = self.client.models()
        self.parts.record.learn(told)
        return next((one.model for one in told if one.model.id == self.job.model), None)

    def _name(self, model: Model) -> None:
        self.parts.record.name(self.delivery, self.job, model)
        self.job.digest, self.job.model_version = model.digest, model.version

    def _request(self, deadline: float) -> Request:
        job = self.job
        series = SeriesInput(
            study=job.study,
            series=job.series,
            dicomweb_root=self.parts.dicomweb_root,
            instances=job.instances,
            uids_hash=job.uids_hash,
            token=self.parts.token(job.study),
        )
        return Request(
            job_key=self.key,
            model=Model(id=job.model, version=job.model_version, digest=job.digest),
            input=series,
            priority=Priority(job.priority),
            deadline=min(deadline, LONGEST_DEADLINE),
            trace_id=job.trace_id,
        )

    def _submitted(self) -> float:
        return self.job.submitted_at or self.parts.clock()
