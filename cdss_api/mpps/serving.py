"""The MPPS SCP: who is let in, and each request answered once it is on disk (PS3.4 F.7.2, PS3.7 10.1)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, cast

from pydicom import Dataset, config
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_CREATE, N_SET
from pynetdicom.sop_class import ModalityPerformedProcedureStep, Verification  # type: ignore[attr-defined]
from sqlalchemy.exc import SQLAlchemyError

from cdss_api.accounts.models import Modality
from cdss_api.alone import alone
from cdss_api.mpps.connections import MOST, SILENCE, Server, bound, message_ended, tls
from cdss_api.mpps.keeping import Sender, Steps
from cdss_api.mpps.reading import read_change, read_creation
from cdss_api.mpps.steps import Failure, Refused
from cdss_api.service import Service
from cdss_api.worklist.mapping import UID
from neuronova.audit.files import JournalFailed
from neuronova.contract.grants import Operation
from neuronova.contract.nesting import require_harmless
from neuronova.contract.part10 import Harmful

log = logging.getLogger(__name__)

_AGAIN = 1.0  # seconds
_GRACE = 2.0  # seconds for all that a modality still has to say
_SYNTAXES = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]  # little endian, implicit and explicit: nothing to inflate
_REJECTED = (0x01, 0x01, 0x03)  # for good, by the service user: calling AE title not recognised (PS3.8 9.3.4)
_SUCCESS = 0x0000


def listen(service: Service) -> None:
    """Answer modalities until the service stops, in one process; a port that is not free is tried again."""
    with alone(service.settings.data / "api" / "mpps.lock", service.stopping):
        ended = _serve(service)
    until = time.monotonic() + _GRACE
    for association in ended:
        association.join(max(0.0, until - time.monotonic()))
        association.abort()


def _serve(service: Service) -> list[Association]:
    """Return who is still associated when the service stops and the port is free."""
    while not service.stopping.is_set():
        try:
            server = _server(service)
        except OSError as error:
            log.error("MPPS waits for port %s (%s)", service.settings.mpps_port, error.strerror or error)
            service.stopping.wait(_AGAIN)
            continue
        threading.Thread(target=server.serve_forever, name="mpps", daemon=True).start()
        service.stopping.wait()
        server.shutdown()
        return list(server.active_associations)
    return []


def _server(service: Service) -> Server:
    settings = service.settings
    _config.LOG_HANDLER_LEVEL = "none"
    config.settings.reading_validation_mode = config.IGNORE  # its warnings quote patients' data
    entity = AE(ae_title=settings.aet)
    entity.maximum_associations, entity.acse_timeout = MOST, SILENCE
    for context in (ModalityPerformedProcedureStep, Verification):
        entity.add_supported_context(context, _SYNTAXES)
    answering = Answering(service=service, steps=Steps(service=service))
    handlers: list[Any] = [
        (evt.EVT_CONN_OPEN, bound),
        (evt.EVT_DIMSE_RECV, message_ended),
        (evt.EVT_REQUESTED, answering.admit),
        (evt.EVT_N_CREATE, answering.create),
        (evt.EVT_N_SET, answering.change),
    ]
    address = (settings.bind, settings.mpps_port)
    return Server(entity, address, settings.aet, entity.supported_contexts, tls(settings), evt_handlers=handlers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answering:
    """What pynetdicom calls for each association and request."""

    service: Service
    steps: Steps

    def admit(self, event: evt.Event) -> None:
        """Reject who may not tell of steps."""
        try:
            sender = self._sender(event.assoc)
        except SQLAlchemyError as error:
            log.error("MPPS: who calls cannot be looked up (%s)", type(error).__name__)
            sender = None
        if sender is None:
            log.warning("MPPS: an association from %s is rejected", event.assoc.requestor.address)
            event.assoc.acse.send_reject(*_REJECTED)
            event.assoc.kill()  # once it is sent

    def create(self, event: evt.Event) -> tuple[int | Dataset, Dataset | None]:
        """Answer an N-CREATE."""
        return self._answered(event, self._create), None

    def change(self, event: evt.Event) -> tuple[int | Dataset, Dataset | None]:
        """Answer an N-SET."""
        return self._answered(event, self._change), None

    def _create(self, sender: Sender, event: evt.Event) -> None:
        uid = cast(N_CREATE, event.request).AffectedSOPInstanceUID
        if uid is None or not UID.fullmatch(uid):
            raise Refused(Failure.INVALID_VALUE, "AffectedSOPInstanceUID is missing or odd")
        self.steps.create(sender, uid, read_creation(_attributes(event)))

    def _change(self, sender: Sender, event: evt.Event) -> None:
        uid = str(cast(N_SET, event.request).RequestedSOPInstanceUID)
        self.steps.change(sender, uid, read_change(_attributes(event)))

    def _answered(self, event: evt.Event, carry_out: Callable[[Sender, evt.Event], None]) -> int | Dataset:
        try:
            sender = self._sender(event.assoc)
            if sender is None:
                raise Refused(Failure.NOT_AUTHORISED, "no longer allowed")
            carry_out(sender, event)
        except Refused as refused:
            log.info("MPPS: refused with 0x%04X: %s", refused.status, refused)
            return _failed(refused)
        except (SQLAlchemyError, JournalFailed) as error:
            log.error("MPPS: nothing was kept (%s)", type(error).__name__)
            return _failed(Refused(Failure.PROCESSING_FAILURE, "cannot be kept at the moment; try again"))
        except Exception:
            log.exception("MPPS: nothing was kept")
            return _failed(Refused(Failure.PROCESSING_FAILURE, "cannot be kept; the log says why"))
        return _SUCCESS

    def _sender(self, association: Association) -> Sender | None:
        """Return who calls, as the table of modalities has it now; None where it may not tell of steps."""
        asked = association.requestor.primitive
        title = asked.calling_ae_title.strip() if asked is not None and asked.calling_ae_title else ""
        address = _plain(association.requestor.address)
        with self.service.database.reading() as session:
            known = session.get(Modality, title)
            if known is None or Operation.MPPS not in known.operations or known.host != address:
                return None
            return Sender(title=title, address=address, issuer=known.issuer or self.service.settings.issuer or "")


def _plain(address: str | None) -> str:
    """Return an address as the table has it; IPv4's where a socket of IPv6 took it (RFC 4291 2.5.5.2)."""
    found = ip_address(address or "0.0.0.0")  # noqa: S104 - nobody's
    return str(found.ipv4_mapped if isinstance(found, IPv6Address) and found.ipv4_mapped else found)


def _attributes(event: evt.Event) -> Dataset:
    """Return the request's attribute list.

    Raises:
        Refused: there is none, or it cannot be read.
    """
    name = "AttributeList" if isinstance(event.request, N_CREATE) else "ModificationList"
    content = getattr(event.request, name)
    if content is None:
        raise Refused(Failure.MISSING_ATTRIBUTE, f"there is no {name}")
    try:
        require_harmless(content.getvalue())
        data = event.attribute_list if name == "AttributeList" else event.modification_list
        data.decode()
    except (Harmful, ValueError, TypeError, KeyError, AttributeError, NotImplementedError, RecursionError):
        raise Refused(Failure.INVALID_VALUE, f"the {name} cannot be read") from None
    return data


def _failed(refused: Refused) -> Dataset:
    """Return a status with its comment (PS3.7 C.4)."""
    status = Dataset()
    status.Status = int(refused.status)
    status.ErrorComment = str(refused)
    if refused.error_id is not None:
        status.ErrorID = refused.error_id
    return status
