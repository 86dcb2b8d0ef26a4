"""Objects that arrive in HTJ2K: a primary object that all can decode, and the codestreams as they came."""

from pathlib import Path

import numpy as np

from orthanc_plugins.transcoding import transfer_syntax
from orthanc_plugins.transcoding.composing import compose_explicit
from orthanc_plugins.transcoding.container import Container, ContainerWriter, Header, StoredFile
from orthanc_plugins.transcoding.eligibility import Mismatch, Reason, Skipped
from orthanc_plugins.transcoding.source import Source, open_source

RECEIVED = "as received"


def decodable_copy(path: Path, target: Path) -> None:
    """Write a received HTJ2K object (.201, .202, .203) in Explicit VR Little Endian, with the same UIDs.

    PhotometricInterpretation YBR_RCT and YBR_ICT become RGB; the attributes of lossy compression stay (PS3.3
    C.7.6.1.1.5). Raises Skipped where the object is not HTJ2K or does not decode; `target` is then
    incomplete.
    """
    with open_source(path) as source:
        _require_htj2k(source)
    compose_explicit(path, target)


def received_container(path: Path, copy: Path, md5: str, target: Path) -> Container:
    """Write the received codestreams, byte-identical, as the container of the stored `copy`.

    `md5` is the digest of `copy` in hexadecimal. Every codestream is decoded and compared with the copy.
    Raises Skipped, Mismatch; `target` then does not exist.
    """
    with open_source(path) as received, open_source(copy) as stored:
        _require_htj2k(received)
        if received.number_of_frames != stored.number_of_frames:
            raise Mismatch("the copy has another number of frames")
        header = Header(
            transfer_syntax=received.transfer_syntax,
            source=StoredFile(md5=md5, size=stored.size, transfer_syntax=stored.transfer_syntax),
            encoder=RECEIVED,
            image=stored.facts,
            native=stored.native,
        )
        with ContainerWriter(target, header, stored.number_of_frames) as writer:
            for index in range(stored.number_of_frames):
                if not np.array_equal(received.frame_array(index), stored.frame_array(index)):
                    raise Mismatch(f"frame {index} of the copy is not what was received")
                writer.append(received.frame_bytes(index))
        return writer.container


def _require_htj2k(source: Source) -> None:
    if source.transfer_syntax not in transfer_syntax.HTJ2K:
        raise Skipped(Reason.UNSUPPORTED_TRANSFER_SYNTAX, source.transfer_syntax)
