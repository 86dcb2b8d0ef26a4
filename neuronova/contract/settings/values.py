"""What a setting's text means; each reader says what it takes, for the message of who wrote something else."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import NamedTuple

from neuronova.contract.roles import Role

PREFIX = "NEURONOVA_"
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
SYSLOG_PORT = 6514  # RFC 5425 4.1
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMS = ("text", "json")


class Endpoint(NamedTuple):
    """A host and a port of it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Doors(NamedTuple):
    """The two ports of one Orthanc, written `HTTP:DICOM`."""

    http: int
    dicom: int

    def __str__(self) -> str:
        return f"{self.http}:{self.dicom}"


def whole(least: int, most: int, what: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(what)
        return int(text)

    return read


port = whole(1, 65535, "a port number from 1 to 65535")
workers = whole(1, 64, "a number of processes from 1 to 64")
jobs = whole(1, 64, "a number of jobs from 1 to 64")
minutes = whole(1, 24 * 60, "a number of minutes from 1 to 1440")
days = whole(1, 3650, "a number of days from 1 to 3650")
years = whole(1, 100, "a number of years from 1 to 100")
mebibytes = whole(0, 1 << 30, "a number of MiB, at most 1073741824")


def path(text: str) -> Path:
    return Path(text).expanduser().resolve()


def application_entity(text: str) -> str:
    # PS3.5 6.2, AE: at most 16 characters of the default repertoire, no backslash, no control characters.
    if len(text) > 16 or "\\" in text or text != text.strip() or not (text.isascii() and text.isprintable()):
        raise ValueError("an AE title of 1 to 16 printable ASCII characters without a backslash")
    return text


def address(text: str) -> str:
    if any(character.isspace() or character in "/;{}\"'" for character in text):
        raise ValueError("an address to listen on, such as 127.0.0.1 or 0.0.0.0")
    return text


def url(text: str) -> str:
    # A host and perhaps a port: it goes into the gateway's configuration and into the addresses in answers.
    if not re.fullmatch(r"https?://([\w.-]+|\[[0-9a-fA-F:]+\])(:\d+)?/?", text, re.ASCII):
        raise ValueError("an origin such as https://pacs.example.org")
    return text.rstrip("/")


def part(text: str) -> str:
    # Tokens, keys and images go there: not over an open network.
    if not re.fullmatch(
        r"(https://[^\s/?#@]+|http://(127(\.\d+){3}|localhost|\[::1\])(:\d+)?)(/[^\s?#]*)?", text, re.ASCII
    ):
        raise ValueError("an https address (or http on this machine)")
    return text.rstrip("/")


def database(text: str) -> str:
    if not re.match(r"postgres(ql)?://", text, re.ASCII):
        raise ValueError("an address such as postgresql://user:password@host/database")
    return text


def broker(text: str) -> str:
    if not re.match(r"(redis|amqp)s?://[^\s/]", text, re.ASCII):
        raise ValueError("an address such as redis://:password@host:6379/0 or amqp://user:password@host")
    return text


def repository(text: str) -> str:
    # restic's own addresses begin with their kind, as sftp: or s3:; all else is a folder.
    return text if re.match(r"[a-z0-9]{2,8}:", text, re.ASCII) else str(path(text))


def password(text: str) -> str:
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        raise ValueError(f"a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return text


def seconds(most: int) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text, re.ASCII) or not 0.1 <= float(text) <= most:
            raise ValueError(f"a number of seconds from 0.1 to {most}")
        return float(text)

    return read


def yes_or_no(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError("yes or no")
    return text.lower() == "yes"


def endpoint(text: str) -> Endpoint:
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?", text, re.ASCII)
    port = SYSLOG_PORT if found is None or found[3] is None else int(found[3])
    if found is None or not 1 <= port <= 65535:
        raise ValueError("a host and perhaps a port, such as collector.example.org:6514")
    return Endpoint(found[1] or found[2], port)


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return () if text == "none" else tuple(ip_network(one.strip()) for one in text.split(","))
    except ValueError:
        raise ValueError("none, or networks such as 10.20.0.0/16,127.0.0.0/8") from None


def roots(text: str) -> tuple[str, ...]:
    roots = () if text == "none" else tuple(one.strip() for one in text.split(","))
    if not all(re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", one, re.ASCII) for one in roots):
        raise ValueError("none, or addresses such as https://pacs.example.org/dicom-web")
    return roots


def doors(text: str) -> tuple[Doors, ...]:
    if text == "none":
        return ()
    found = tuple(one.strip().partition(":") for one in text.split(","))
    try:
        return tuple(Doors(port(http), port(dicom)) for http, _, dicom in found)
    except ValueError:
        raise ValueError("none, or ports as HTTP:DICOM, such as 8043:4244,8044:4245") from None


def issuer(text: str) -> str:
    if len(text) > 64 or "\\" in text or not text.isprintable():
        raise ValueError("an issuer of at most 64 characters without a backslash")
    return text


def provider(text: str) -> str:
    # Its keys decide who is let in: not over an open network.
    if not re.match(r"https://[^\s/]|http://(127\.0\.0\.1|localhost|\[::1\])[:/]", text, re.ASCII):
        raise ValueError("an https address (or http on this machine)")
    return text


def roles(text: str) -> tuple[tuple[str, Role], ...]:
    pairs = [pair.rpartition("=") for pair in text.split(",")]
    try:
        roles = tuple((name.strip(), Role(role.strip())) for name, _, role in pairs)
    except ValueError:
        roles = ()
    # A patient's identity is not in a provider's claims, and services have no person's account.
    if not roles or any(not name or role in (Role.PATIENT, Role.SERVICE) for name, role in roles):
        raise ValueError("a mapping such as pacs-admins=admin,physicians=doctor, to any role but patient and service")
    return roles


def log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError("one of " + ", ".join(LOG_LEVELS))
    return text.upper()


def log_form(text: str) -> str:
    if text.lower() not in LOG_FORMS:
        raise ValueError("one of " + ", ".join(LOG_FORMS))
    return text.lower()


def ratio(text: str) -> float:
    if not re.fullmatch(r"0(\.\d{1,6})?|1(\.0{1,6})?", text, re.ASCII):
        raise ValueError("a part of all from 0 to 1, such as 0.1")
    return float(text)
