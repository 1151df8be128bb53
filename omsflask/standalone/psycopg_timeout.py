"""A psycopg connection that does not wait for ever: for who uses PostgreSQL by psycopg 3.

A frozen server, or one behind a dead switch, answers nothing, not even that a statement took too
long: its own ``statement_timeout`` cannot fire. So the clock runs here, in the one place where
psycopg waits.
"""

from __future__ import annotations

import select
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg


class Connection(psycopg.Connection[Any]):
    """A connection that is given up when the server says nothing for too long.

    ``silence`` is that time in seconds; 0 is no limit. Statements, COPY and rollback all count
    anew from the last thing that the server said.
    """

    silence: float = 0

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:
        """Run what psycopg wants from the server, up to its answer.

        :raises psycopg.OperationalError: when none came in time. The connection is closed then.
        """
        # Most rows of a COPY have come already and need no clock.
        try:
            wanted = next(gen)
        except StopIteration as end:
            return end.value
        return super().wait(self._timed(gen, wanted), *args, **kwargs)

    def _timed(self, gen: Generator[Any, Any, Any], wanted: Any) -> Generator[Any, Any, Any]:
        heard = monotonic()
        while True:
            ready = yield wanted
            if ready:
                heard = monotonic()
            elif self.silence and monotonic() - heard > self.silence:
                self.close()
                raise psycopg.OperationalError(f"the server said nothing for {self.silence:g} s")
            try:
                wanted = gen.send(ready)
            except StopIteration as end:
                return end.value

    @contextmanager
    def silent_at_most(self, seconds: float) -> Iterator[None]:
        """Wait no longer than ``seconds`` for the server to say something."""
        before, self.silence = self.silence, seconds
        try:
            yield
        finally:
            self.silence = before

    def has_news(self) -> bool:
        """Whether something has come from the server while it was not asked: its end, mostly."""
        if self.closed:
            return True
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))
