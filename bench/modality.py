"""A modality of pynetdicom in a process of its own: `python -m bench.modality PORT AET FOLDER`.

Reads the files, says `ready`, waits for a line, sends all over one association, and says how many answers were lost.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.presentation import build_context


def main(port: int, title: str, folder: Path) -> None:
    """Send the files of `folder`."""
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    left = [dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    entity = AE(ae_title="BENCH")
    entity.dimse_timeout = 10
    classes = {(one.SOPClassUID, one.file_meta.TransferSyntaxUID) for one in left}
    contexts = [build_context(sop_class, syntax) for sop_class, syntax in sorted(classes)]
    print("ready", flush=True)
    sys.stdin.readline()
    lost = -1
    while left:
        # pynetdicom 3.0 now and then drops an answer: what is left goes over another association.
        lost += 1
        association = entity.associate("127.0.0.1", port, contexts=contexts, ae_title=title)
        while left and "Status" in (answer := association.send_c_store(left[0])):
            if answer.Status != 0x0000:
                raise RuntimeError(f"status {answer.Status:04x}")
            left.pop(0)
        association.release()
    print(lost, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
