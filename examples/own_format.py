"""A host with a format of its own, JSON Lines, and an envelope of its own, as JSON:API has it.

Try it::

    flask --app examples/own_format.py run
    curl -H 'Authorization: Token secret' \
        'http://127.0.0.1:5000/api/v1/oms/customers/list-simple/?format=jsonl'
"""

import os
from collections.abc import Generator, Mapping
from typing import Any

import orjson
from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, sessionmaker

from omsflask import OMS, ChannelMixin, CustomerMixin, customers
from omsflask.renderers.renderer import FileRenderer, JSONRenderer
from omsflask.renderers.table import ShownPage, Table


class Base(DeclarativeBase):
    """The host's tables."""


class Channel(ChannelMixin, Base):
    """A sales channel."""


class Customer(CustomerMixin, Base):
    """A customer."""


def json_lines(table: Table, _config: Mapping[str, Any]) -> Generator[bytes]:
    """Yield a JSON object a row."""
    names = [cell.name for cell in table.cells]
    yield b""  # A file without rows has no line.
    for batch in table.batches():
        yield b"".join(orjson.dumps(dict(zip(names, row, strict=True))) + b"\n" for row in batch)


def json_api(page: ShownPage) -> Mapping[str, Any]:
    """Return a page as JSON:API writes one."""
    links = {"next": page.next, "prev": page.previous}
    return {"data": page.results, "links": links, "meta": {"total": page.count}}


def create_app(url: str = "sqlite:///own_format.sqlite3") -> Flask:
    """Return the host's app, its tables made."""
    app = Flask("own_format")
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    secret = os.environ.get("SECRET", "secret")
    oms = OMS(
        sessionmaker(engine),
        verify_token=lambda key: "somebody" if key == secret else None,
        renderers={
            "jsonl": FileRenderer(
                media_type="application/x-ndjson",
                content_type="application/x-ndjson",
                extension="jsonl",
                stream=json_lines,
            ),
            "json": JSONRenderer(envelope=json_api, is_published=True),
        },
    )
    oms.add(customers.list_simple.bind(Customer))
    oms.init_app(app)
    return app
