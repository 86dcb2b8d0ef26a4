"""The members of a zip file, read within limits: nothing is unpacked under a name that the file chose."""

from __future__ import annotations

import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from neuronova.importing.limits import MIB, Limits
from neuronova.importing.outcome import Refused
from neuronova.importing.places import Place

IN_MEMORY = 64 * MIB
_BLOCK = MIB
_DRIVE = re.compile(r"[A-Za-z]:")
# Programs and documents that are zip files too, as on discs that bring a viewer with them.
OTHERS = (".jar", ".war", ".apk", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub", ".xpi", ".whl")
_ENCRYPTED = 0x1


@contextmanager
def members_of(place: Place, limits: Limits, scratch: Path) -> Iterator[list[Place]]:
    """Open a zip file and give its members; they can be read in several threads until the block ends.

    `scratch` is the folder for what is too large for memory.

    Raises:
        Refused: it is no whole zip file, or has too many members.
    """
    with place.opened() as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, NotImplementedError) as odd:
            raise Refused(f"the zip file cannot be read: {odd}") from None
        with archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > limits.members:
                raise Refused(f"the zip file has more than {limits.members:,} members")
            total = sum(info.file_size for info in infos)
            if total > limits.archive:
                raise Refused(f"the zip file would unpack to {total:,} bytes, from {place.size:,}")
            yield [_member(place, archive, info, number, limits, scratch) for number, info in enumerate(infos)]


def _member(
    place: Place, archive: zipfile.ZipFile, info: zipfile.ZipInfo, number: int, limits: Limits, scratch: Path
) -> Place:
    link = stat.S_ISLNK(info.external_attr >> 16)
    return Place(
        # Two members may have one name.
        key=b"%s!%d/%s" % (place.key, number, info.filename.encode("utf-8", "surrogateescape")),
        size=info.file_size,
        modified=place.modified,
        opened=lambda: _unpacked(archive, info, limits, scratch),
        is_link=link,
        is_member=True,
        refused="a link is not followed" if link else odd_member(info, limits),
    )


def odd_member(info: zipfile.ZipInfo, limits: Limits) -> str:
    """Return why a member is not read, empty where it is."""
    name = info.filename.replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
        return "its name leads out of the zip file"
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted"
    if info.file_size > limits.file:
        return f"it is larger than {limits.file:,} bytes"
    if _is_bomb(info.file_size, info.compress_size, limits):
        return f"it would unpack to {info.file_size:,} bytes, from {info.compress_size:,}"
    return ""


def _is_bomb(unpacked: int, packed: int, limits: Limits) -> bool:
    return unpacked >= limits.ratio_from and unpacked > limits.ratio * max(packed, 1)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits, scratch: Path) -> BinaryIO:
    """Return a member's bytes as a file that can be sought in; what it says of its size is not believed."""
    whole: tempfile.SpooledTemporaryFile[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(scratch))  # noqa: SIM115
    try:
        with archive.open(info) as packed:
            while block := packed.read(_BLOCK):
                whole.write(block)
                if whole.tell() > min(limits.file, info.file_size):
                    raise Refused("it is larger than the zip file says")
        whole.seek(0)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as odd:
        whole.close()
        raise Refused(f"it cannot be unpacked: {odd}") from None
    except Refused:
        whole.close()
        raise
    return cast(BinaryIO, whole)
