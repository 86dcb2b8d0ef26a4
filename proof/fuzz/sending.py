"""How objects are sent: by C-STORE as they are, or so that the message itself is wrong (PS3.8 9.3.5)."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydicom.filereader import read_dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, _config, build_context
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu import P_DATA_TF

from neuronova.contract.settings import Settings
from proof.fuzz.objects import data_set_at
from tests.synthetic import make, part10, uid

TAKEN, NO_ANSWER, NO_ASSOCIATION = "taken", "no answer", "no association"
_SECONDS = 60.0  # by default, for each step: what is large takes its time
_PDU = 16_384  # bytes
_HEAD = 12  # bytes before the first fragment: of the PDU 6, of the item 6


def store(settings: Settings, title: str, file: bytes, seconds: float = _SECONDS) -> str:
    """Send a file's data set as it is; return what was answered, a status of C-STORE where it was refused."""
    meta = read_dataset(BytesIO(file[132 : data_set_at(file)]), is_implicit_VR=False, is_little_endian=True)
    _config.STORE_SEND_CHUNKED_DATASET = True  # else pynetdicom would read it, and write it anew
    with (
        NamedTemporaryFile(prefix="nnf") as written,
        _associated(settings, title, meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID, seconds) as association,
    ):
        if association is None:
            return NO_ASSOCIATION
        Path(written.name).write_bytes(file)
        try:
            status = association.send_c_store(written.name).get("Status")
        except RuntimeError:  # the association was lost meanwhile
            status = None
    if status is None:
        return NO_ANSWER
    return TAKEN if status == 0x0000 else f"0x{status:04X}"


def store_wrongly(settings: Settings, title: str, dice: random.Random, seconds: float = _SECONDS) -> str:
    """Begin a C-STORE whose PDUs are not what they say, and end the connection; nobody has to answer."""
    with _associated(settings, title, CTImageStorage, ExplicitVRLittleEndian, seconds) as association:
        if association is None:
            return NO_ASSOCIATION
        sent = _message(association, dice)
        with suppress(OSError, AttributeError):  # it was lost meanwhile
            association.dul.socket.socket.sendall(dice.choice(_WRONGS)(sent, dice))  # type: ignore[union-attr]
        association.abort()
    return NO_ANSWER


@contextmanager
def _associated(
    settings: Settings, title: str, sop_class: str, syntax: str, seconds: float
) -> Iterator[Association | None]:
    entity = AE(ae_title=title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = seconds
    contexts = [build_context(sop_class, syntax)]
    association = entity.associate("127.0.0.1", settings.dicom_port, contexts=contexts, ae_title=settings.aet)
    try:
        yield association if association.is_established else None
    finally:
        if association.is_established:
            association.release()
        elif association.dul.socket is not None:
            association.dul.socket.close()


def _message(association: Association, dice: random.Random) -> list[bytes]:
    """Return a C-STORE of a good image as its PDUs."""
    image = make("ct", SOPInstanceUID=uid(f"wrongly {dice.getrandbits(64)}"))
    file = part10(image)
    asked = C_STORE()
    asked.MessageID, asked.Priority = 1, 2
    asked.AffectedSOPClassUID, asked.AffectedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    asked.DataSet = BytesIO(file[data_set_at(file) :])
    (context,) = association.accepted_contexts
    assert context.context_id is not None
    message = C_STORE_RQ()
    message.primitive_to_message(asked)
    pdus = []
    for primitive in message.encode_msg(context.context_id, _PDU):
        pdu = P_DATA_TF()
        pdu.from_primitive(primitive)
        pdus.append(bytes(pdu.encode()))
    return pdus


def _ends_early(pdus: list[bytes], dice: random.Random) -> bytes:
    whole = b"".join(pdus)
    return whole[: dice.randrange(1, len(whole))]


def _lacks_its_end(pdus: list[bytes], _dice: random.Random) -> bytes:
    return b"".join(pdus[:-1])


def _item_is_longer(pdus: list[bytes], dice: random.Random) -> bytes:
    last = bytearray(pdus[-1])
    struct.pack_into(">I", last, 6, dice.choice((0, 1, len(last), 0x7FFFFFFF, 0xFFFFFFFF)))
    return b"".join([*pdus[:-1], last])


def _pdu_is_longer(pdus: list[bytes], dice: random.Random) -> bytes:
    last = bytearray(pdus[-1])
    struct.pack_into(">I", last, 2, dice.choice((0, 1, 5, 0x7FFFFFFF, 0xFFFFFFFF)))
    return b"".join([*pdus[:-1], last])


def _another_context(pdus: list[bytes], dice: random.Random) -> bytes:
    last = bytearray(pdus[-1])
    last[10] = dice.choice((0, 2, 3, 255))
    return b"".join([*pdus[:-1], last])


def _command_within(pdus: list[bytes], _dice: random.Random) -> bytes:
    return b"".join([*pdus[:-1], pdus[0], pdus[-1]])


def _noise_in_the_command(pdus: list[bytes], dice: random.Random) -> bytes:
    first = bytearray(pdus[0])
    for _ in range(4):
        first[dice.randrange(_HEAD, len(first))] ^= 1 << dice.randrange(8)
    return b"".join([first, *pdus[1:]])


_WRONGS: tuple[Callable[[list[bytes], random.Random], bytes], ...] = (
    _ends_early,
    _lacks_its_end,
    _item_is_longer,
    _pdu_is_longer,
    _another_context,
    _command_within,
    _noise_in_the_command,
)
