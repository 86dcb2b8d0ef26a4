"""The gate that every request passes: who asks, what for, and whether they may.

Orthanc's request filter can only refuse with 403. What Python answers itself (DICOMweb, WADO-URI) the filter lets
through, and the same gate stands in front of the handlers there, which answer 401, 403 or 404 and why.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote

from neuronova.audit.access import Ticket
from neuronova.audit.files import JournalFailed
from neuronova.contract.audit import Action
from neuronova.contract.roles import Permission
from orthanc_plugins.access.address import DICOM_WEB, Address, read_address, with_wado_arguments
from orthanc_plugins.access.bearer import TOKEN_HEADER, Bearers, Internal
from orthanc_plugins.access.decision import (
    INTERNAL,
    Bearer,
    Decision,
    Holding,
    Reason,
    decide,
    decide_store,
    is_limited,
    needs_holdings,
)
from orthanc_plugins.access.holds import Holds
from orthanc_plugins.access.identity import Identity
from orthanc_plugins.access.recording import CLIENT_HEADER, NOT_TOLD, UNRECORDED, Recording, Route
from orthanc_plugins.access.register import Register
from orthanc_plugins.access.removal import BY_UID, Removal, removal
from orthanc_plugins.answer import Answer, json_answer, send
from orthanc_plugins.sdk import Output

log = logging.getLogger(__name__)

WADO = "/wado"
REFUSAL = "/neuronova/refusal"
_BELOW_DICOM_WEB = re.compile(f"{DICOM_WEB}//*[^/]")
PROBLEM = "application/problem+json"
_EXPLANATIONS = {
    Reason.NO_TOKEN: "Log in, or send a token.",
    Reason.BAD_TOKEN: "The token is not one of this platform's; log in again.",
    Reason.EXPIRED: "The token has expired; refresh it or log in again.",
    Reason.REVOKED: "The token was revoked; log in again.",
    Reason.DISABLED: "The account does not exist or is disabled; ask an administrator.",
    Reason.STALE: "The service that knows who may see what has not answered for too long; try again later.",
    Reason.UNRECORDED: "Accesses cannot be recorded at the moment, so none is allowed; an administrator has to look.",
    Reason.FULL: "The archive's disk is full, so nothing is stored: an administrator has to make room.",
    Reason.HELD: "It is under legal hold, or may be: nothing of it leaves the archive before the hold is lifted.",
    Reason.FORBIDDEN: "Your role does not allow this.",
    Reason.ROUTE: "Nobody may use this route.",
    Reason.NOT_PERMITTED: "You may not store for this patient.",
    Reason.HIDDEN: "There is no such study, series or instance, or you may not see it.",
}


class Judgement(NamedTuple):
    """A decision and what it is about; `bearer` is None for the plugin's own processes and for nobody."""

    address: Address
    bearer: Bearer | None
    decision: Decision
    route: Route
    ticket: Ticket | None = None


def _uncounted(_decision: Decision, _seconds: float) -> None:
    """Count nothing."""


class Gate:
    """Decides on requests, and has each decision recorded before anything is answered.

    `decided` is told of each decision, and how many seconds it took.
    """

    def __init__(
        self,
        bearers: Bearers,
        register: Register,
        recording: Recording,
        room: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.time,
        *,
        holds: Holds | None = None,
        decided: Callable[[Decision, float], None] = _uncounted,
    ) -> None:
        self._decided = decided
        self._bearers = bearers
        self._register = register
        self._recording = recording
        self._recorder = recording.recorder
        self._room = room
        self._holds = holds
        self._clock = clock
        self._lately: tuple[tuple[int, int, int], dict[tuple[object, ...], Judgement]] = ((0, 0, 0), {})

    def judge(
        self, method: str, path: str, headers: Mapping[str, str], arguments: Mapping[str, str], peer: str
    ) -> Judgement:
        """Decide on a request for `path`, decoded and from the server's root, and record it.

        `peer` is the address of whoever asks this port; the gateway says whom it asks for.
        """
        began = time.perf_counter()
        judged = self._judge(method, path, headers, arguments, peer)
        self._decided(judged.decision, time.perf_counter() - began)
        return judged

    def _judge(
        self, method: str, path: str, headers: Mapping[str, str], arguments: Mapping[str, str], peer: str
    ) -> Judgement:
        address = _wado(method, path, arguments) if path.startswith(WADO) else read_address(method, path)
        client = headers.get(CLIENT_HEADER, peer)
        # A viewer asks for the frames of one study in bursts.
        asked = (headers.get(TOKEN_HEADER), address.action, address.permission, address.study, address.odd, client)
        lately = self._decided_lately()
        known = lately.get(asked)
        route = Route(method, path, client)
        removes = removal_of(method, path, address)
        if removes is None and known is not None and known.ticket is not None and self._recorder.again(known.ticket):
            return Judgement(address, known.bearer, known.decision, route, known.ticket)
        bearer, decision, holdings = self._decide(address, headers)
        if decision.reason is Reason.INTERNAL:
            return Judgement(address, None, decision, route)
        if removes is not None and decision.allowed:
            decision, address = self._kept(removes, decision, address)
        if not holdings and address.study and not address.odd:
            holdings = self._register.holdings(address.study)
        try:
            ticket = self._recording.begin(address, bearer, decision, holdings, route)
        except JournalFailed as error:
            log.error("refused, for it cannot be recorded: %s", error)
            return Judgement(address, bearer, UNRECORDED, route)
        judged = Judgement(address, bearer, decision, route, ticket)
        if decision.allowed and removes is None:
            lately[asked] = judged
        return judged

    def finish(self, judged: Judgement, status: int) -> None:
        """Add to the record how a request was answered."""
        if judged.ticket is not None and judged.decision.allowed:
            self._recorder.finish(judged.ticket, status)

    def _decided_lately(self) -> dict[tuple[object, ...], Judgement]:
        """Return what was allowed within this second, as long as nothing that it rests on has changed."""
        stamp = (int(self._clock()), self._bearers.version, self._register.generation)
        kept = self._lately
        if kept[0] != stamp:
            kept = self._lately = (stamp, {})
        return kept[1]

    def _decide(
        self, address: Address, headers: Mapping[str, str]
    ) -> tuple[Bearer | None, Decision, tuple[Holding, ...]]:
        asking = self._bearers.identify(headers, self._clock())
        if isinstance(asking, Reason):
            return None, Decision(False, asking), ()
        if isinstance(asking, Internal):
            return None, INTERNAL, ()
        holdings: tuple[Holding, ...] = ()
        if needs_holdings(address, asking):
            holdings = self._register.holdings(address.study or "")
        decision = decide(address, asking, holdings)
        if decision.allowed and address.action is Action.STORE and not self._room():
            decision = Decision(False, Reason.FULL)
        return asking, decision, holdings

    def _kept(self, removes: Removal, decision: Decision, address: Address) -> tuple[Decision, Address]:
        """Refuse to take away what is held; the record names the study that something is taken from."""
        if self._holds is None:
            return decision, address
        try:
            affected = self._holds.affected(removes)
        except Exception:
            log.exception("refused, for it is not known what %s would be taken from", removes.level)
            return Decision(False, Reason.HELD), address
        if len({one.study for one in affected}) == 1:
            address = address._replace(study=affected[0].study)
        return (Decision(False, Reason.HELD) if self._holds.keeps(removes, affected) else decision), address

    def may_store(self, judged: Judgement, identity: Identity) -> Judgement:
        """Decide on one object of a STOW request, and record whose it is: the request itself need not name its study.

        Who sees not all adds to a study that they see, of that study's patient.
        """
        if judged.bearer is None:
            return judged
        began = time.perf_counter()
        found = self._may_store(judged, judged.bearer, identity)
        self._decided(found.decision, time.perf_counter() - began)
        return found

    def _may_store(self, judged: Judgement, bearer: Bearer, identity: Identity) -> Judgement:
        holdings = self._register.holdings(identity.study)
        decision = judged.decision
        if is_limited(bearer):
            decision = decide_store(bearer, identity.study, identity.patient_id, holdings)
        address = judged.address._replace(study=identity.study, series=identity.series)
        whose = (Holding(self._register.patient_of(identity), 0.0),)
        try:
            ticket = self._recording.begin(address, bearer, decision, whose, judged.route)
        except JournalFailed as error:
            log.error("refused, for it cannot be recorded: %s", error)
            return judged._replace(decision=UNRECORDED)
        return Judgement(address, bearer, decision, judged.route, ticket)

    def on_filter(
        self, method: str, uri: str, headers: Mapping[str, str], arguments: Mapping[str, str], peer: str
    ) -> bool:
        """Decide for a route of Orthanc's own."""
        judged = self.judge(method, uri, headers, arguments, peer)
        self.finish(judged, NOT_TOLD)
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
        # What is decided here was recorded when it was refused.
        method = headers.get("x-original-method", "GET")
        address = _wado(method, path, {})
        _, decision, _ = self._decide(address, headers)
        if decision.allowed and (removes := removal_of(method, path, address)) is not None:
            decision, _ = self._kept(removes, decision, address)
        allowed = decision.allowed  # Orthanc itself refused, or the answer changed in between
        send(output, refusal(Decision(False, Reason.ROUTE) if allowed else decision))


def removal_of(method: str, path: str, address: Address) -> Removal | None:
    """Return what a request may take out of the archive, by Orthanc's identifiers or, of DICOMweb, by UID."""
    if address.action is Action.DELETE and address.study is not None:
        return Removal(BY_UID, address.study)
    return removal(method, path) if address.permission is Permission.ARCHIVE_MANAGE else None


def is_judged_by_handler(uri: str) -> bool:
    """Tell whether Python answers a request itself, and judges it there.

    To the root of DICOMweb Orthanc would answer: only what lies below it is Python's.
    """
    return _BELOW_DICOM_WEB.match(uri) is not None or uri in (WADO, REFUSAL)


def _wado(method: str, path: str, arguments: Mapping[str, str]) -> Address:
    address = read_address(method, path)
    if path.rstrip("/") == WADO and address.permission is not None:
        return with_wado_arguments(address, arguments)
    return address


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
