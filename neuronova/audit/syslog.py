"""Records as syslog messages: RFC 5424, with the content and header that PS3.15 A.6 names, framed by RFC 5425."""

from __future__ import annotations

import re

from neuronova.audit.export.dicom import audit_message
from neuronova.audit.signing import time_text
from neuronova.contract.audit import Outcome, Record

SECURITY = 10  # facility, RFC 5424 6.2.1
WARNING, NOTICE = 4, 5
MESSAGE_ID = "DICOM+RFC3881"  # PS3.15 A.6
_LARGEST_SEQUENCE = 2**31 - 1  # RFC 5424 7.3.1
_BOM = b"\xef\xbb\xbf"


def syslog_message(record: Record, host: str, server: str) -> bytes:
    """Return a record's message; PROCID is the writer, and sequenceId the record's number, to drop repetitions by."""
    severity = NOTICE if record.event.outcome is Outcome.ALLOWED else WARNING
    sequence = (record.sequence - 1) % _LARGEST_SEQUENCE + 1
    header = (
        f"<{SECURITY * 8 + severity}>1 {time_text(record.event.time)} {host_name(host)} neuronova {record.writer}"
        f' {MESSAGE_ID} [meta sequenceId="{sequence}"] '
    )
    return header.encode() + _BOM + audit_message(record, server).encode()


def framed(content: bytes) -> bytes:
    """Return a message with its length before it (RFC 5425 4.3)."""
    return f"{len(content)} ".encode() + content


def host_name(host: str) -> str:
    """Return a host's name as a header takes it: printable ASCII, at most 255 characters (RFC 5424 6)."""
    return re.sub(r"[^\x21-\x7e]", "", host)[:255] or "-"
