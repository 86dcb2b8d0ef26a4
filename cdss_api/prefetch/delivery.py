"""An order's message, delivered in short steps: ask the archive, have it send one study after the other, end it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from cdss_api.accounts.service_tokens import token
from cdss_api.orthanc import OrthancJob, Unavailable
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.prefetch.choosing import choose, is_old
from cdss_api.prefetch.fetching import Fetcher, NotKnown, Refused
from cdss_api.prefetch.models import Prefetch, Prior, PriorState, State
from cdss_api.prefetch.record import NotOurs, PrefetchRecord
from cdss_api.prefetch.verdicts import of_failure
from cdss_api.service import Service
from neuronova.contract.prefetch.rules import ComesAs, PrefetchRule
from neuronova.contract.roles import Permission

STEP = 20.0  # seconds that a delivery looks at a job
EVERY = 0.1  # seconds between two looks
_AGAIN = Outcome(Verdict.AGAIN, None, EVERY)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefetchDelivery:
    """Delivers messages of the targets `prefetch:AET` (see `outbox.delivery.Deliver`).

    `title` is our own AE title, `issuer` that of PatientIDs which come without one.
    """

    record: PrefetchRecord
    fetcher: Callable[[], Fetcher]
    rules: Mapping[str, PrefetchRule]
    title: str
    issuer: str | None
    today: Callable[[], date]
    step: float = STEP
    wait: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def __call__(self, delivery: Delivery, /, *, renew: bool) -> Outcome:
        """Do the next step; service tokens are always new."""
        asked = json.loads(delivery.payload)
        row = self.record.read(int(asked["prefetch"]))
        if row is None or row.run != asked["run"] or row.state == State.DONE:
            return Outcome(Verdict.OK, None if row is None else row.state)
        fetcher = self.fetcher()
        try:
            if row.state == State.SUPERSEDED:
                return self._left(fetcher, delivery, row)
            if row.state == State.FETCHING:
                return self._fetched(fetcher, delivery, row)
            return self._found(fetcher, delivery, row)
        except NotOurs:
            return Outcome(Verdict.AGAIN, "it was changed meanwhile", 0.0)
        except NotKnown:
            return self._waits(delivery, row, Outcome(Verdict.TARGET_DOWN, "Orthanc does not know the archive yet"))
        except Refused as refused:
            return self._waits(delivery, row, of_failure(str(refused)))
        except Unavailable as error:
            return Outcome(Verdict.TARGET_DOWN, f"Orthanc does not answer ({error})")
        finally:
            fetcher.close()

    def _found(self, fetcher: Fetcher, delivery: Delivery, row: Prefetch) -> Outcome:
        """Ask the archive, and write down what is to be fetched."""
        rule, order = self.rules.get(row.rule), self.record.order(row)
        if rule is None or order is None or not order.patient_id:  # asked without one, the archive tells of everybody
            self.record.end(delivery, row, State.SUPERSEDED, "Its rule, its order or the PatientID is gone.")
            return Outcome(Verdict.OK, "its rule, its order or the PatientID is gone")
        archive = self.record.archive(row.archive)
        if archive is None:
            said = f"{row.archive} is no modality that may store, so its images would be refused"
            return self._waits(delivery, row, Outcome(Verdict.PERMANENT, said))
        default = archive.issuer or self.issuer or ""
        # An archive whose PatientIDs have one issuer need not keep it with them: it would find nothing by it.
        issuer = "" if order.issuer == default else order.issuer
        told = fetcher.find(row.archive, order.patient_id, issuer)
        chosen = choose(rule, order, told, self.today(), default)
        counted = [(one, fetcher.held(one.found.study)) for one in chosen]
        self.record.found(delivery, row, order, counted)
        return _AGAIN

    def _fetched(self, fetcher: Fetcher, delivery: Delivery, row: Prefetch) -> Outcome:
        """Bring one study here; end it where none is left."""
        prior = self.record.next(row)
        if prior is None:
            return self._ended(delivery, row)
        if prior.job is None:
            here = fetcher.held(prior.study)
            if prior.state == PriorState.QUEUED:
                as_prior = prior.as_prior or (here == 0 and self._is_prior(row, prior))
                self.record.begins(delivery, row, prior, as_prior=as_prior)
            try:
                job = fetcher.begin(row.archive, row.patient_id, prior.study, self.title)
            except (NotKnown, Refused):  # nothing was asked for: what comes meanwhile is no prior
                self.record.ended(delivery, row, prior, PriorState.QUEUED, None, here)
                raise
            if job is None:
                self.record.ended(delivery, row, prior, PriorState.FAILED, "The archive has it no more.", here)
                return _AGAIN
            self.record.begun(delivery, row, prior, job)
            prior.job = job
        found = self._look(fetcher, prior.job or "")
        if found is not None and not found.has_ended:
            return _AGAIN
        return self._came(fetcher, delivery, row, prior, found)

    def _left(self, fetcher: Fetcher, delivery: Delivery, row: Prefetch) -> Outcome:
        """Say what came of the study that was on its way when it was not wanted any more."""
        prior = self.record.next(row)
        if prior is None or prior.state != PriorState.FETCHING:
            return Outcome(Verdict.OK, row.state)
        found = None if prior.job is None else self._look(fetcher, prior.job)
        if found is None or found.has_ended:
            here = fetcher.held(prior.study)
            state = PriorState.FETCHED if here >= (prior.images or 1) else PriorState.LEFT
            self.record.ended(delivery, row, prior, state, None, here)
        return _AGAIN

    def _is_prior(self, row: Prefetch, prior: Prior) -> bool:
        rule = self.rules.get(row.rule)
        return (rule is None or rule.comes_as is ComesAs.PRIOR) and is_old(prior.date, self.today())

    def _look(self, fetcher: Fetcher, job: str) -> OrthancJob | None:
        end = self.clock() + self.step
        while (found := fetcher.look(job)) is not None and not found.has_ended and self.clock() < end:
            self.wait(EVERY)
        return found

    def _came(
        self, fetcher: Fetcher, delivery: Delivery, row: Prefetch, prior: Prior, job: OrthancJob | None
    ) -> Outcome:
        """Write what became of a study; what is here counts, for a C-MOVE that sends less may be called a success."""
        here = fetcher.held(prior.study)
        is_whole = here >= prior.images if prior.images else here > 0 and job is not None and job.state == "Success"
        if is_whole:
            self.record.ended(delivery, row, prior, PriorState.FETCHED, None, here)
            return _AGAIN
        if job is not None and job.state == "Failure":
            outcome = of_failure(job.details)
            if outcome.verdict is Verdict.TARGET_DOWN:
                self.record.ended(delivery, row, prior, PriorState.QUEUED, outcome.detail, here)
                return self._waits(delivery, row, outcome)
            why = outcome.detail
        else:
            why = f"{here} of {prior.images or 'its'} images came."
        self.record.ended(delivery, row, prior, PriorState.FAILED, why, here)
        return _AGAIN

    def _ended(self, delivery: Delivery, row: Prefetch) -> Outcome:
        failed = self.record.failed(row)
        if failed:
            why = f"studies that did not come: {failed}"
            self.record.end(delivery, row, State.FAILED, why)
            return Outcome(Verdict.TRANSIENT, why)
        self.record.end(delivery, row, State.DONE, None)
        return Outcome(Verdict.OK)

    def _waits(self, delivery: Delivery, row: Prefetch, outcome: Outcome) -> Outcome:
        try:
            if outcome.verdict is Verdict.TARGET_DOWN:
                self.record.say(delivery, row, outcome.detail)
            else:
                self.record.end(delivery, row, State.FAILED, outcome.detail)
        except NotOurs:
            return Outcome(Verdict.AGAIN, "it was changed meanwhile", 0.0)
        return outcome


def prefetch_delivery(service: Service) -> PrefetchDelivery:
    """Return what delivers by this machine's Orthanc."""
    settings, scopes = service.settings, (Permission.ARCHIVE_MANAGE,)
    return PrefetchDelivery(
        record=PrefetchRecord(service.database, service.now),
        fetcher=lambda: Fetcher(settings.orthanc_url, lambda: token(service, "prefetch", scopes)),
        rules={rule.name: rule for rule in service.prefetch},
        title=settings.aet,
        issuer=settings.issuer,
        today=lambda: datetime.fromtimestamp(service.now()).astimezone().date(),
    )
