"""The body of a file: pieces, and what is given back at their end, whatever that end is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from weakref import finalize

from flask import Request, Response, request

#: Where a request keeps what closes its body, and the exception that was being handled before.
SENDING = "omsflask.sending"


class Body(Iterator[bytes]):
    """The pieces of a file on their way to the client.

    ``ending`` is closed once: when the pieces end or fail, when the server closes the body, or
    when nobody holds it any more.

    :param ending: must not refer to the body. It is kept alive until then, so that a garbage
        collection cannot take the connection before the cursor.
    """

    def __init__(self, pieces: Iterator[bytes], ending: ExitStack) -> None:
        self._pieces = pieces
        self._is_whole = False
        self.close = finalize(self, ending.close)

    def __next__(self) -> bytes:
        """Return the next piece.

        :raises CutFile: when the body was closed before its end.
        """
        if not (self._is_whole or self.close.alive):
            raise CutFile("The file was closed before its end.")
        try:
            return next(self._pieces)
        except BaseException as error:
            self._is_whole = isinstance(error, StopIteration)
            self.close()
            raise


class CutFile(RuntimeError):
    """A file is read on after it was closed: what is left of it is not the rest."""


def send(request: Request, response: Response, body: Body) -> None:
    """Let ``response`` send a body, which is closed however the request ends."""
    response.response = body
    # A hook of the host's may put another body in its place, a compressed one say.
    response.call_on_close(body.close)
    # The exception itself would keep the response alive by its traceback.
    request.environ[SENDING] = body.close, id(sys.exception())


def close_unsent(error: BaseException | None) -> None:
    """Close the body of a request whose response nobody sends, because an error took its place.

    A hook of the host's may raise, and so may the server when it is given the headers. The
    traceback holds the response then, and is often part of a cycle, which Python collects later.

    :param error: what Flask says of it, which is nothing where the server raised.
    """
    error = error or sys.exception()
    close, outer = request.environ.get(SENDING, (None, None))
    if close is not None and error is not None and id(error) != outer:
        close()
