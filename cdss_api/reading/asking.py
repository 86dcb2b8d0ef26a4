"""Who asks for clinical records outside of the FHIR interface: the same permissions, the same audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import request

from cdss_api.accounts.bearer import Bearer, bearer
from cdss_api.consequences import writing
from cdss_api.fhir.auditing import Access, patient_of
from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.moment import micros_of
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.store import Store, Stored
from cdss_api.service import Service
from neuronova.audit.files import JournalFailed
from neuronova.contract.audit import Action
from neuronova.web.problems import Problem

_HIDING = (403, 404)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """One request: `seen` is the store as the asker sees it, `platform` as the platform writes to it."""

    service: Service
    bearer: Bearer
    now: float
    seen: Store
    platform: Store | None = None

    @property
    def writer(self) -> Store:
        """Return the platform's store of a request that changes something."""
        if self.platform is None:
            raise RuntimeError("this request only looks")
        return self.platform

    def touched(self, action: Action, stored: Stored | None) -> None:
        """Record what was done, before it is answered or committed; without a resource, that it was searched for."""
        about = None if stored is None else patient_of(self.seen.session, stored.kind, stored.id)
        _access(self.bearer, action, self.now).allowed(self.service.accesses, about, 200)


@contextmanager
def looking(service: Service) -> Iterator[Asking]:
    """Yield the request with what its asker may see; refusals become problems, and are recorded."""
    who, now = bearer(), service.now()
    with _as_problems(service, who, Action.READ, now), service.database.reading() as session:
        seen = Store(session, _compartments(service, who, now), who.claims.subject, micros_of(now))
        yield Asking(service=service, bearer=who, now=now, seen=seen)


@contextmanager
def changing(service: Service) -> Iterator[Asking]:
    """Yield the request with a store to write to, in one transaction with what follows from that."""
    who, now = bearer(), service.now()
    with _as_problems(service, who, Action.STORE, now), writing(service, who.actor) as platform:
        seen = Store(platform.session, _compartments(service, who, now), who.claims.subject, micros_of(now))
        yield Asking(service=service, bearer=who, now=now, seen=seen, platform=platform)


@contextmanager
def _as_problems(service: Service, who: Bearer, action: Action, now: float) -> Iterator[None]:
    try:
        yield
    except JournalFailed:
        detail = "Accesses cannot be recorded at the moment, so none is allowed."
        raise Problem(503, "audit_unavailable", detail, {"Retry-After": "5"}) from None
    except (Refused, Problem) as refused:
        status = refused.status if isinstance(refused, Refused) else int(refused.code or 500)
        if status in _HIDING:
            code = refused.issues[0].code if isinstance(refused, Refused) else refused.problem_code
            _access(who, action, now).denied(service.accesses, code)
        if isinstance(refused, Problem):
            raise
        issue = refused.issues[0]
        code = issue.code.replace("-", "_")
        raise Problem(refused.status, code, issue.diagnostics, refused.headers) from None


def _access(who: Bearer, action: Action, now: float) -> Access:
    return Access(actor=who.actor, action=action, route=f"{request.method} {request.path}"[:200], time=now)


def _compartments(service: Service, who: Bearer, now: float) -> Compartments:
    recent = 86400.0 * service.settings.recent_days
    return Compartments(account=who.claims.subject, role=who.claims.role, now=now, recent=recent)
