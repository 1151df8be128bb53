"""Bytes to text, a piece at a time, or the byte at which they are none."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import IO

from .rows import Unreadable

#: Characters of a row at most. A quote or a bracket that is never closed ends here, not in memory.
MAX_LENGTH = 1 << 20

PIECE = 1 << 16

#: How a file of UTF-16 begins, which a spreadsheet calls "Unicode text".
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def pieces(file: IO[bytes], encoding: str = "utf-8") -> Iterator[str]:
    """Yield the text of a file as it comes."""
    return _decoded(iter(lambda: file.read(PIECE), b""), encoding)


def lines(file: IO[bytes], encoding: str = "utf-8") -> Iterator[str]:
    """Yield the lines of a file, with their ends."""
    return _decoded(_limited(file), encoding)


def _limited(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(MAX_LENGTH):
        if len(line) == MAX_LENGTH:
            raise Unreadable(f"has a line of more than {MAX_LENGTH:,} bytes")
        yield line


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[str]:
    utf_8 = codecs.lookup(encoding).name == "utf-8"
    decoder = codecs.getincrementaldecoder("utf-8-sig" if utf_8 else encoding)()
    position = 0
    for chunk in chunks:
        if position == 0 and chunk.startswith(UTF_16):
            raise Unreadable("is UTF-16: save it as UTF-8")
        kept = len(decoder.getstate()[0])
        try:
            yield decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise _undecodable(error, position - kept, encoding) from None
        position += len(chunk)
    if decoder.getstate()[0]:
        raise Unreadable("ends in the middle of a character")


def _undecodable(error: UnicodeDecodeError, position: int, encoding: str) -> Unreadable:
    byte = error.object[error.start]
    return Unreadable(
        f"is not {encoding.upper()}: byte {position + error.start + 1:,} is 0x{byte:02X};"
        " save it as UTF-8, or say the --encoding of a CSV"
    )
