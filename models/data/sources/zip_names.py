"""Members of zip files under the names that they had where they were packed."""

import contextlib
import lzma
import threading
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from trivit.models.decoding.decode import CorruptImageError
from trivit.models.errors import ModelsError

_ENCRYPTED = 0x1
_UTF8 = 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


@dataclass(frozen=True)
class ZipMember:
    """A file or folder in a zip file."""

    info: zipfile.ZipInfo
    is_folder: bool

    @property
    def token(self) -> str:
        """What tells a changed member from the old one."""
        return f"{self.info.file_size}/{self.info.CRC:08x}"


def zip_members(path: Path) -> dict[str, ZipMember]:
    """Return the members of a zip file by name, with ``/`` between folders and after a folder.

    Raises:
        ModelsError: no zip file, damaged, protected by a password, compressed in a way that Python
            does not know, or a name twice.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ModelsError(f"cannot read {path} ({error}): fetch it again") from None
    members: dict[str, ZipMember] = {}
    for info in infos:
        name = _name(info)
        if info.flag_bits & _ENCRYPTED:
            raise ModelsError(f"{path}: {name} is protected by a password: unpack the zip file")
        if info.compress_type not in _METHODS:
            raise ModelsError(
                f"{path}: {name} is compressed by method {info.compress_type}, which Python does "
                "not know: unpack the zip file"
            )
        is_folder = name.endswith("/")
        if name in members and not is_folder:
            raise ModelsError(f"{path} holds {name} twice: pack it again")
        if name:
            members[name] = ZipMember(info, is_folder)
    return members


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name of a member.

    Some tools on Windows write ``\\`` between folders, and many tools write UTF-8 without the flag
    that says so, which Python then takes for code page 437.
    """
    name = info.filename
    if not info.flag_bits & _UTF8:
        with contextlib.suppress(UnicodeError):  # else it is code page 437, as it seems
            name = name.encode("cp437").decode("utf-8")
    *folders, base = name.replace("\\", "/").split("/")
    return "/".join([*(part for part in folders if part not in ("", ".")), base])


def read_member(path: Path, own: threading.local, member: ZipMember) -> bytes:
    """Return the contents of a member.

    Args:
        path: the zip file.
        own: keeps the opened file of each thread: a shared one reads one member at a time.
        member: of that file.

    Raises:
        CorruptImageError: it does not have the checksum that the archive says.
    """
    archive = getattr(own, "archive", None)
    if archive is None:
        archive = own.archive = zipfile.ZipFile(path)
    try:
        contents: bytes = archive.read(member.info)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        raise CorruptImageError(str(error)) from None
    return contents
