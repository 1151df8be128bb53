"""Bytes to text, a piece at a time, or the byte at which they are none."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO

from .encodings import is_utf_8, likeliest
from .rows import Unreadable

#: Characters of a row at most. A quote or a bracket that is never closed ends here, not in memory.
MAX_LENGTH = 1 << 20

PIECE = 1 << 16

#: The end of a line. A carriage return at the end of a piece may be half of one.
END = re.compile(r"\r\n|\n|\r(?!\Z)")

#: How a file begins in another encoding than was said: with a mark, or with every other byte zero.
#: A spreadsheet calls UTF-16 "Unicode text".
BEGINNINGS = (
    (re.compile(rb"\xff\xfe"), "utf-16"),
    (re.compile(rb"\xfe\xff"), "utf-16"),
    (re.compile(rb"[^\0]\0[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\0[^\0]\0[^\0]"), "utf-16-be"),
)


def lines(file: IO[bytes], encoding: str = "utf-8") -> Iterator[str]:
    """Yield the lines of a file, with their ends: LF, CRLF or CR."""
    rest = ""
    for text in pieces(file, encoding):
        rest += text
        begin = 0
        for match in END.finditer(rest):
            yield rest[begin : match.end()]
            begin = match.end()
        rest = rest[begin:]
        if len(rest) > MAX_LENGTH:
            raise Unreadable(f"has a line of more than {MAX_LENGTH:,} characters")
    if rest:
        yield rest


def pieces(file: IO[bytes], encoding: str = "utf-8") -> Iterator[str]:
    """Yield the text of a file as it comes.

    :raises Unreadable: at the first byte that is no text, after what stands before it.
    """
    head = file.read(4)
    file.seek(0)
    encoding = next((it for begins, it in BEGINNINGS if begins.match(head)), encoding)
    name = codecs.lookup(encoding).name
    decoder = codecs.getincrementaldecoder("utf-8-sig" if name == "utf-8" else encoding)()
    position, is_looked_at = 0, name.startswith("utf")
    while True:
        chunk = file.read(PIECE)
        if not (is_looked_at or chunk.isascii()):
            is_looked_at = True
            if is_utf_8(chunk):
                raise Unreadable(f"is UTF-8 and not {encoding}: leave --encoding out")
        kept = len(decoder.getstate()[0])
        try:
            yield decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            yield error.object[: error.start].decode(encoding)
            raise _undecodable(error, file, position - kept, encoding) from None
        except UnicodeError:
            raise Unreadable(f"is not {encoding.upper()}") from None
        position += len(chunk)
        if not chunk:
            return


def _undecodable(
    error: UnicodeDecodeError, file: IO[bytes], position: int, encoding: str
) -> Unreadable:
    if error.end == len(error.object) and not file.read(1):
        return Unreadable("ends in the middle of a character")
    position += error.start
    file.seek(max(position - PIECE, 0))
    guess = likeliest(file.read(2 * PIECE))
    advice = f"it is likely {guess}: say --encoding {guess}" if guess else "that byte is damaged"
    byte = error.object[error.start]
    return Unreadable(
        f"is not {encoding.upper()}: byte {position + 1:,} is 0x{byte:02X}; {advice}, or save it as"
        " UTF-8"
    )
