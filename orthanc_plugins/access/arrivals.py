"""Tells the register of what Orthanc stores and deletes, and catches up with what it stored while nobody listened."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from orthanc_plugins.access.identity import Identity, Unidentified, from_values, identify
from orthanc_plugins.access.recording import Recording
from orthanc_plugins.access.register import Register
from orthanc_plugins.sdk import Instance, Sdk

log = logging.getLogger(__name__)

BATCH = 500
EVERY = 30.0  # seconds between two looks for what was missed
SEVERAL_EVERY = 1.0  # the same where other Orthancs store, too
MOST_NOTED = 50_000
BY_HTTP = "http"  # what came by another way than DICOM: REST and STOW-RS
REST = 0.001  # seconds between two instances, so that requests come first


class Arrivals:
    """Notes whose each instance is, before the modality that sent it has its answer.

    `received` is told of each instance who sent it and how many bytes it has, `stored` whose it is, its identifier, who
    sent it and when that was told. `stored_elsewhere` is called once another Orthanc has stored some, which is
    looked for each `every` seconds.
    """

    def __init__(
        self,
        sdk: Sdk,
        register: Register,
        recording: Recording,
        issuer: Callable[[str], str | None],
        clock: Callable[[], float] = time.time,
        *,
        received: Callable[[str, int], None],
        stored: Callable[[Identity, str, str, float], None],
        stored_elsewhere: Callable[[], None],
        every: float = EVERY,
    ) -> None:
        self._stored = stored
        self._stored_elsewhere = stored_elsewhere
        self._every = every
        self._received = received
        self._sdk = sdk
        self._register = register
        self._recording = recording
        self._issuer = issuer
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: OrderedDict[str, None] = OrderedDict()  # which need not be read again when catching up

    def on_stored(self, instance: Instance, identifier: str) -> None:
        """Take in one instance; Orthanc calls this before it answers the sender."""
        began = self._clock()
        data, sender = instance.GetInstanceData(), instance.GetInstanceRemoteAet()
        by_dicom = instance.GetInstanceOrigin() == self._sdk.InstanceOrigin.DICOM_PROTOCOL
        # Only a modality that the table names gets an association, so there are no more titles than it has had.
        self._received(sender if by_dicom else BY_HTTP, len(data))
        try:
            identity = self._identity(data, sender, identifier)
        except Unidentified as odd:
            log.warning("instance %s belongs to nobody and is shown to those only who see all: %s", identifier, odd)
            return
        self._register.note(identity, self._clock())
        if by_dicom:
            self._recording.stored(identity, sender)
        self._stored(identity, identifier, sender, began)
        with self._lock:
            self._noted[identifier] = None
            while len(self._noted) > MOST_NOTED:
                self._noted.popitem(last=False)

    def _identity(self, data: bytes, aet: str, identifier: str) -> Identity:
        try:
            return identify(data, self._issuer(aet))
        except Unidentified:
            # Orthanc stored it, so it knows whose it is.
            return from_values(self._tags(identifier), self._issuer(aet))

    def _tags(self, identifier: str) -> dict[str, str]:
        try:
            tags = json.loads(self._sdk.RestApiGet(f"/instances/{identifier}/simplified-tags"))
        except self._sdk.OrthancException as gone:
            raise Unidentified("it is gone") from gone
        return {name: value for name, value in tags.items() if isinstance(value, str)}

    def catch_up(self) -> None:
        """Note what was stored before the register existed, or while Orthanc ended; in the calling thread."""
        while True:
            since = self._register.sequence()
            changes = json.loads(self._sdk.RestApiGet(f"/changes?since={since}&limit={BATCH}"))
            new = [change["ID"] for change in changes["Changes"] if change["ChangeType"] == "NewInstance"]
            elsewhere = [self._catch_up_with(identifier) for identifier in new]
            if any(elsewhere):
                self._stored_elsewhere()
            self._register.move_to(changes["Last"])
            if changes["Done"]:
                return

    def _catch_up_with(self, identifier: str) -> bool:
        """Note an instance unless it was when it came; tell whether it was not."""
        with self._lock:
            if identifier in self._noted:
                return False
        aet = self._metadata(identifier, "RemoteAET")
        try:
            arrived = self._arrived(self._metadata(identifier, "ReceptionDate"))
            self._register.note(from_values(self._tags(identifier), self._issuer(aet)), arrived)
        except Unidentified as odd:
            log.debug("instance %s: %s", identifier, odd)
        time.sleep(REST)
        return True

    def _metadata(self, identifier: str, name: str) -> str:
        try:
            return self._sdk.RestApiGet(f"/instances/{identifier}/metadata/{name}").decode()
        except self._sdk.OrthancException:
            return ""

    def _arrived(self, text: str) -> float:
        try:
            return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return self._clock()

    def start(self) -> None:
        """Catch up now and from time to time, in a thread."""
        threading.Thread(target=self._keep_catching_up, name="arrivals", daemon=True).start()

    def _keep_catching_up(self) -> None:
        while True:
            try:
                self.catch_up()
            except Exception:
                log.exception("what was stored in the meantime could not be read")
            time.sleep(self._every)

    def on_deleted_study(self, identifier: str) -> None:
        """Take in a deletion, unless the study has come back since."""
        if not self._exists(f"/studies/{identifier}"):
            self._register.forget_study(identifier)

    def on_deleted_series(self, identifier: str) -> None:
        """Take in a deletion, unless the series has come back since."""
        if not self._exists(f"/series/{identifier}"):
            self._register.forget_series(identifier)

    def _exists(self, path: str) -> bool:
        try:
            self._sdk.RestApiGet(f"{path}/metadata")
        except self._sdk.OrthancException:
            return False
        return True
