"""A format: how it writes a page, and whether it holds the whole selection."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from .json import envelope
from .table import ShownPage, Table

#: Makes a file of a table, piece by piece; the mapping holds the app's settings.
Stream = Callable[[Table, Mapping[str, Any]], Iterable[bytes]]

#: Makes of a page what JSON is written of.
Envelope = Callable[[ShownPage], Any]


@dataclass(frozen=True, kw_only=True)
class Renderer:
    """A format.

    :param media_type: as negotiated.
    :param content_type: as answered.
    :param extension: of a file's name; empty where the format is no file.
    :param is_published: whether OPTIONS names the format.
    """

    media_type: str
    content_type: str
    extension: str = ""
    is_published: bool = False

    def is_whole(self, is_paged: bool) -> bool:
        """Whether the response holds the whole selection.

        :param is_paged: whether the request names a page.
        """
        raise NotImplementedError

    def body(self, page: ShownPage, config: Mapping[str, Any]) -> bytes:
        """Return the body of a page.

        :param config: the app's settings.
        """
        raise NotImplementedError

    def version(self, page: ShownPage, body: bytes) -> bytes:
        """Return what changes whenever the page does."""
        raise NotImplementedError

    def file(self, table: Table, config: Mapping[str, Any]) -> Generator[bytes]:
        """Yield a file, where the format is one."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class JSONRenderer(Renderer):
    """JSON, a page at a time.

    :param envelope: makes of a page what is written; the published body unless given.
    """

    media_type: str = "application/json"
    content_type: str = "application/json"
    envelope: Envelope = envelope

    def is_whole(self, is_paged: bool) -> bool:
        """Return False: the links of a page lead to the rest."""
        return False

    def body(self, page: ShownPage, config: Mapping[str, Any]) -> bytes:
        """Return the envelope as JSON."""
        return orjson.dumps(self.envelope(page))

    def version(self, page: ShownPage, body: bytes) -> bytes:
        """Return the body itself."""
        return body


@dataclass(frozen=True, kw_only=True)
class FileRenderer(Renderer):
    """A file. It has no place for a link to the next page, and so it is whole unless asked.

    :param stream: yields the file, its header first.
    """

    stream: Stream

    def is_whole(self, is_paged: bool) -> bool:
        """Whether no page was asked for."""
        return not is_paged

    def body(self, page: ShownPage, config: Mapping[str, Any]) -> bytes:
        """Return the file of a page."""
        assert page.table is not None  # noqa: S101
        return b"".join(self.file(page.table, config))

    def version(self, page: ShownPage, body: bytes) -> bytes:
        """Return what the rows are: a spreadsheet's bytes name the moment that it was made."""
        assert page.table is not None  # noqa: S101
        return orjson.dumps([page.count, page.next, [*map(list, page.table.rows)]])

    def file(self, table: Table, config: Mapping[str, Any]) -> Generator[bytes]:
        """Yield the file."""
        yield from self.stream(table, config)
