"""The gate that every request passes: who asks, what for, and whether they may.

Orthanc's request filter can only refuse with 403. What Python answers itself (DICOMweb, WADO-URI) the filter lets
through, and the same gate stands in front of the handlers there, which answer 401, 403 or 404 and why.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from orthanc_plugins.access.address import DICOM_WEB, Address, read_address, with_wado_arguments
from orthanc_plugins.access.bearer import Bearers, Internal
from orthanc_plugins.access.decision import (
    INTERNAL,
    Bearer,
    Decision,
    Holding,
    Reason,
    decide,
    decide_store,
    needs_holdings,
)
from orthanc_plugins.access.register import Register
from orthanc_plugins.answer import Answer, json_answer, send
from orthanc_plugins.sdk import Output

log = logging.getLogger(__name__)

WADO = "/wado"
REFUSAL = "/neuronova/refusal"
PROBLEM = "application/problem+json"
_EXPLANATIONS = {
    Reason.NO_TOKEN: "Log in, or send a token.",
    Reason.BAD_TOKEN: "The token is not one of this platform's; log in again.",
    Reason.EXPIRED: "The token has expired; refresh it or log in again.",
    Reason.REVOKED: "The token was revoked; log in again.",
    Reason.DISABLED: "The account does not exist or is disabled; ask an administrator.",
    Reason.STALE: "The service that knows who may see what has not answered for too long; try again later.",
    Reason.FORBIDDEN: "Your role does not allow this.",
    Reason.ROUTE: "Nobody may use this route.",
    Reason.NOT_PERMITTED: "You may not store for this patient.",
    Reason.HIDDEN: "There is no such study, series or instance, or you may not see it.",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision and what it is about; `bearer` is None for the plugin's own processes and for nobody."""

    address: Address
    bearer: Bearer | None
    decision: Decision


class Gate:
    """Decides on requests."""

    def __init__(self, bearers: Bearers, register: Register, clock: Callable[[], float] = time.time) -> None:
        self._bearers = bearers
        self._register = register
        self._clock = clock

    def judge(
        self, method: str, path: str, headers: Mapping[str, str], arguments: Mapping[str, str] | None = None
    ) -> Judgement:
        """Decide on a request for `path`, decoded and from the server's root."""
        address = read_address(method, path)
        if path.rstrip("/") == WADO and address.permission is not None:
            address = with_wado_arguments(address, arguments or {})
        asking = self._bearers.identify(headers, self._clock())
        if isinstance(asking, Reason):
            return Judgement(address, None, Decision(False, asking))
        if isinstance(asking, Internal):
            return Judgement(address, None, INTERNAL)
        holdings: tuple[Holding, ...] = ()
        if needs_holdings(address, asking):
            holdings = self._register.holdings(address.study or "")
        return Judgement(address, asking, decide(address, asking, holdings))

    def may_store(self, bearer: Bearer, study: str, patient_id: str) -> Decision:
        """Decide on one object of a STOW request: into a study that the bearer sees, of that study's patient."""
        return decide_store(bearer, study, patient_id, self._register.holdings(study))

    def on_filter(self, method: str, uri: str, headers: Mapping[str, str], arguments: Mapping[str, str]) -> bool:
        """Decide for Orthanc's own routes; those that Python answers are judged there."""
        if uri.startswith(f"{DICOM_WEB}/") or uri in (WADO, REFUSAL):
            return True
        judged = self.judge(method, uri, headers, arguments)
        if not judged.decision.allowed:
            log.info("refused (%s): %s %s", judged.decision.reason, method, uri)
        return judged.decision.allowed

    def on_holdings(self, output: Output, _uri: str, **given: Any) -> None:
        """Answer under which patients a StudyInstanceUID exists: for the API, which knows patients and no studies."""
        study = unquote((given.get("get") or {}).get("study", ""))
        patients = [held.patient._asdict() for held in self._register.holdings(study)]
        send(output, json_answer({"patients": patients}))

    def on_refusal(self, output: Output, _uri: str, **given: Any) -> None:
        """Tell why a request was refused, where Orthanc could say no more than 403: the gateway asks here."""
        headers = given["headers"]
        path = unquote(headers.get("x-original-path", ""))
        judged = self.judge(headers.get("x-original-method", "GET"), path, headers)
        allowed = judged.decision.allowed  # Orthanc itself refused, or the answer changed in between
        send(output, refusal(Decision(False, Reason.ROUTE) if allowed else judged.decision))


def refusal(decision: Decision) -> Answer:
    """Answer a refusal as problem details (RFC 9457), with a challenge where a token would help (RFC 6750 3)."""
    status = HTTPStatus(decision.status)
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "code": decision.reason.value,
        "detail": _EXPLANATIONS[decision.reason],
    }
    answer = json_answer(body, status)
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        error = "" if decision.reason is Reason.NO_TOKEN else ', error="invalid_token"'
        headers["WWW-Authenticate"] = f'Bearer realm="neuronova"{error}'
    return Answer(answer.body, PROBLEM, int(status), headers)
