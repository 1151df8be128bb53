"""The files that commands write: their rights, links and pipes.

A new file has the rights that the umask leaves. A file that exists keeps its rights. A symbolic
link, which another user may have made, is refused unless ``--follow-links`` is given. A pipe or a
device is written to.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import click

follow_links = click.option(
    "--follow-links", is_flag=True, help="Write to the file that a symbolic link names."
)


def resolved(path: Path, *, follow: bool) -> Path:
    """Return the path to write to.

    :raises OSError: when it is a symbolic link, and ``follow`` is false.
    """
    if follow:
        return path.resolve()
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link; --follow-links writes to its target")
    return path


def open_text(
    path: Path, beginning: str, encoding: str, *, follow: bool = False, **options: Any
) -> IO[str]:
    """Open a file to write text to, line by line.

    :param beginning: a pattern of how such a file begins; one that begins otherwise is kept.
    :param options: of ``open``.
    :raises OSError: when it cannot be opened, when it is a symbolic link and ``follow`` is false,
        or when it holds anything else.
    """
    path = resolved(path, follow=follow)
    if path.is_file() and not _begins(path, beginning, encoding):
        raise OSError(errno.EEXIST, "it exists, and holds something else")
    opener = _opener(0o666)
    file: IO[str] = open(path, "w", 1, encoding, opener=opener, **options)  # noqa: SIM115
    return file


def _begins(path: Path, beginning: str, encoding: str) -> bool:
    """Whether a file is empty, or begins so."""
    with path.open("rb") as file:
        start = file.read(100)
    return not start or re.match(beginning, start.decode(encoding, errors="replace")) is not None


@contextmanager
def replacing(path: Path, *, follow: bool = False) -> Iterator[IO[bytes]]:
    """Open a file that has its name only when it is whole; a pipe is written to as it is.

    :raises OSError: when it cannot be written, or is a symbolic link and ``follow`` is false.
    """
    path = resolved(path, follow=follow)
    before = path.stat() if path.exists() else None
    if before is not None and not stat.S_ISREG(before.st_mode):
        with path.open("wb") as pipe:
            yield pipe
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb", opener=_opener(0o600 if before else 0o666)) as file:
            yield file
            if before:
                _set_rights(file.fileno(), before)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _opener(mode: int) -> Callable[[str, int], int]:
    # The path may have become a link since it was looked at.
    return lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, mode)


def _set_rights(file: int, rights: os.stat_result) -> None:
    with suppress(PermissionError):  # Only root gives a file to another user.
        os.fchown(file, rights.st_uid, rights.st_gid)
    os.fchmod(file, stat.S_IMODE(rights.st_mode))
